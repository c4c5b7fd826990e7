import { type Static, Type } from "typebox";
import { rle } from "./requests.js";

const maybeNumber = Type.Union([Type.Number(), Type.Null()]);

export const image = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{64}$", description: "Of the photo's bytes and the model." }),
  width: Type.Integer({ minimum: 1 }),
  height: Type.Integer({ minimum: 1 }),
});

const box = Type.Object({
  x: Type.Integer(),
  y: Type.Integer(),
  width: Type.Integer(),
  height: Type.Integer(),
});

export const segment = Type.Object({
  score: Type.Number({ description: "Predicted IoU; for a region tree the region's persistence." }),
  objectScore: Type.Number({ description: "Above 0 the model believes that there is an object." }),
  stability: Type.Number(),
  granularity: maybeNumber,
  area: Type.Integer(),
  bbox: box,
  rle,
});

export const segments = Type.Object({ image, segments: Type.Array(segment) });

export const ladder = Type.Object({
  image,
  levels: Type.Array(Type.Number()),
  scales: Type.Array(
    Type.Object({
      levels: Type.Array(Type.Number()),
      range: Type.Array(Type.Number(), { minItems: 2, maxItems: 2 }),
      isStable: Type.Boolean({ description: "The most persistent one, which granularity auto chooses." }),
      segment,
    }),
    { description: "The different masks, from fine to coarse; levels in a row with the same mask are one." },
  ),
});

const progress = Type.Object({
  prompts: Type.Integer(),
  promptsAtMost: Type.Integer(),
  masks: Type.Integer(),
  granularity: maybeNumber,
  coverage: Type.Number(),
});

const foundMask = {
  area: Type.Integer(),
  bbox: box,
  score: Type.Number(),
  stability: Type.Number(),
  granularity: maybeNumber,
  rle,
};

export const errorBody = Type.Object({
  error: Type.Object({
    code: Type.String({ description: "For programs." }),
    message: Type.String({ description: "One sentence for people." }),
  }),
});

/** One line of NDJSON, or the data of one event, of a whole image. */
export const everythingEvent = Type.Union([
  Type.Object({
    type: Type.Literal("found"),
    masks: Type.Array(Type.Object(foundMask), { description: "Not all of them end up in the scene." }),
    progress,
  }),
  Type.Object({
    type: Type.Literal("scene"),
    image,
    masks: Type.Integer({ description: "How many events of type mask follow." }),
    levels: Type.Array(Type.Number()),
  }),
  Type.Object({
    type: Type.Literal("mask"),
    id: Type.Integer(),
    parent: maybeNumber,
    range: Type.Array(maybeNumber, {
      minItems: 2,
      maxItems: 2,
      description: "Granularities from ≤ g < until at which it owns pixels; null: without end.",
    }),
    ...foundMask,
  }),
  Type.Object({ type: Type.Literal("end") }),
  Type.Object({ type: Type.Literal("error"), ...errorBody.properties }),
]);

export const models = Type.Object({
  models: Type.Array(
    Type.Object({
      name: Type.String(),
      family: Type.String(),
      kind: Type.Enum(["network", "region-tree"]),
      description: Type.String(),
      granularity: Type.Boolean(),
      device: Type.String(),
      encoder: Type.String(),
      decoder: Type.String(),
      kernels: Type.String(),
    }),
  ),
});

export const status = Type.Object({ status: Type.String() });

export type ImageAnswer = Static<typeof image>;
export type SegmentAnswer = Static<typeof segment>;
export type SegmentsAnswer = Static<typeof segments>;
export type LadderAnswer = Static<typeof ladder>;
export type EverythingEvent = Static<typeof everythingEvent>;
export type ModelsAnswer = Static<typeof models>;
export type StatusAnswer = Static<typeof status>;
export type ErrorAnswer = Static<typeof errorBody>;
