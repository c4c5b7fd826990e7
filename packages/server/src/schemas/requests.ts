import { type Static, Type } from "typebox";

// Bodies of requests. Nothing is coerced and nothing is dropped: what a schema does not name is refused.

const strict = { additionalProperties: false } as const;

export const granularity = Type.Union(
  [Type.Number({ minimum: 0, maximum: 1 }), Type.Enum(["fine", "medium", "coarse", "auto"]), Type.Null()],
  {
    description:
      "From a part (0) to the whole object (1); auto lets the model choose; null gives no granularity.",
  },
);

const level = Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Enum(["fine", "medium", "coarse"])]);

/** COCO's run lengths: the string of its tools, or the numbers. */
export const rle = Type.Object(
  {
    size: Type.Unsafe<[number, number]>({
      type: "array",
      items: { type: "integer", minimum: 1 },
      minItems: 2,
      maxItems: 2,
      description: "Height and width, pixels.",
    }),
    counts: Type.Union([Type.String(), Type.Array(Type.Integer({ minimum: 0 }))]),
  },
  { ...strict, description: "A mask in COCO's run-length encoding." },
);

const what = {
  points: Type.Optional(
    Type.Array(Type.Array(Type.Number(), { minItems: 2, maxItems: 3 }), {
      maxItems: 5000,
      description:
        "Clicks [x, y] or [x, y, label] in pixels of the photo; label 1: foreground (default), 0: background.",
    }),
  ),
  box: Type.Optional(
    Type.Array(Type.Number(), { minItems: 4, maxItems: 4, description: "x0, y0, x1, y1 in pixels." }),
  ),
  mask: Type.Optional(rle),
};

export const prompt = Type.Object(
  { ...what, granularity: Type.Optional(granularity) },
  {
    ...strict,
    description: "What to segment: points, a box, a mask of the photo's size, or several of them.",
  },
);

const cleaning = {
  multimask: Type.Optional(
    Type.Boolean({ description: "Official multimask_output, for models that have it." }),
  ),
  maxHoleArea: Type.Optional(Type.Number({ minimum: 0 })),
  maxSprinkleArea: Type.Optional(Type.Number({ minimum: 0 })),
};

export const segmentRequest = Type.Object(
  { prompts: Type.Array(prompt, { minItems: 1, maxItems: 1000 }), ...cleaning },
  strict,
);

export const ladderRequest = Type.Object(
  {
    ...what,
    levels: Type.Optional(
      Type.Union(
        [Type.Integer({ minimum: 1, maximum: 256 }), Type.Array(level, { minItems: 1, maxItems: 256 })],
        { description: "How many granularities, or which (default 10)." },
      ),
    ),
    nested: Type.Optional(Type.Boolean()),
    ...cleaning,
  },
  strict,
);

export const everythingRequest = Type.Object(
  {
    granularity: Type.Optional(
      Type.Union([level, Type.Array(level, { minItems: 1, maxItems: 64 })], {
        description: "[min, max], a list of three or more, or one.",
      }),
    ),
    levels: Type.Optional(Type.Integer({ minimum: 2, maximum: 64 })),
    pointsPerSide: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    minRegionArea: Type.Optional(Type.Number({ minimum: 0 })),
    predictedIou: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    stability: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    prompting: Type.Optional(Type.Enum(["adaptive", "grid", "regions"])),
    partial: Type.Optional(
      Type.Boolean({
        description: "Whether masks are sent as they are found, before the scene is made (default true).",
      }),
    ),
  },
  strict,
);

export const urlRequest = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: 2048,
      description: "Of a photo, where the service fetches any.",
    }),
  },
  strict,
);

export type Granularity = Static<typeof granularity>;
export type RLE = Static<typeof rle>;
export type Prompt = Static<typeof prompt>;
export type SegmentRequest = Static<typeof segmentRequest>;
export type LadderRequest = Static<typeof ladderRequest>;
export type EverythingRequest = Static<typeof everythingRequest>;
export type UrlRequest = Static<typeof urlRequest>;
