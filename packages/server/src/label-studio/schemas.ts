import { type Static, Type } from "typebox";

// Label Studio sends more than is named here, and more with each version: fields that are not named are accepted and ignored.

/** No labelling config is longer. */
const MOST_CONFIG = 2 ** 18;
const MOST_TASKS = 256;
const MOST_RESULTS = 1000;

const config = Type.String({ maxLength: MOST_CONFIG, description: "The labelling config, XML." });

/** What an annotator has just drawn with a smart tool; coordinates in percent of the photo. */
const drawn = Type.Object({
  type: Type.Optional(Type.String()),
  from_name: Type.Optional(Type.String()),
  to_name: Type.Optional(Type.String()),
  image_rotation: Type.Optional(Type.Number()),
  is_positive: Type.Optional(Type.Unknown({ description: "false or 0: the point is background." })),
  value: Type.Optional(Type.Object({}, { description: "By type: keypointlabels, rectanglelabels." })),
});

const task = Type.Object({
  id: Type.Optional(Type.Unknown()),
  data: Type.Object({}, { description: "The photo's address under the key that the config names." }),
  drafts: Type.Optional(Type.Unknown({ description: "Searched for a control named granularity." })),
});

export const predictRequest = Type.Object({
  tasks: Type.Array(task, { maxItems: MOST_TASKS }),
  label_config: config,
  params: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Object({
        context: Type.Optional(
          Type.Union([
            Type.Null(),
            Type.Object({ result: Type.Optional(Type.Array(drawn, { maxItems: MOST_RESULTS })) }),
          ]),
        ),
      }),
    ]),
  ),
});

export const setupRequest = Type.Object({ schema: Type.Optional(config) });

const region = Type.Object({
  id: Type.String(),
  type: Type.Literal("brushlabels"),
  from_name: Type.String(),
  to_name: Type.String(),
  original_width: Type.Integer(),
  original_height: Type.Integer(),
  image_rotation: Type.Literal(0),
  score: Type.Number(),
  readonly: Type.Literal(false),
  value: Type.Object({
    format: Type.Literal("rle"),
    rle: Type.Array(Type.Integer({ minimum: 0, maximum: 255 })),
    brushlabels: Type.Array(Type.String()),
  }),
});

export const predictions = Type.Object({
  results: Type.Array(
    Type.Object({ model_version: Type.String(), score: Type.Number(), result: Type.Array(region) }),
    { description: "One for each task." },
  ),
  model_version: Type.String(),
});

export const setupAnswer = Type.Object({ model_version: Type.String() });
export const healthAnswer = Type.Object({ status: Type.String(), model_class: Type.String() });

export type PredictRequest = Static<typeof predictRequest>;
export type SetupRequest = Static<typeof setupRequest>;
export type LabelledTask = Static<typeof task>;
export type Drawn = Static<typeof drawn>;
export type Region = Static<typeof region>;
export type Predictions = Static<typeof predictions>;
