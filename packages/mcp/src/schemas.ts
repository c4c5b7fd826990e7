import { z } from "zod";

const image = z.string().min(1).max(4096).describe("Path of a photo, within the folders that may be read.");
const granularity = z
  .union([z.number().min(0).max(1), z.enum(["fine", "medium", "coarse", "auto"])])
  .describe("From a part (0, fine) to the whole object (1, coarse); auto lets the model choose.");
const points = z
  .array(z.tuple([z.number(), z.number()]).rest(z.union([z.literal(0), z.literal(1)])))
  .min(1)
  .max(100)
  .describe(
    "Clicks [x, y] or [x, y, label] in pixels of the photo; label 1: on the object (default), 0: not on it.",
  );
const box = z
  .tuple([z.number(), z.number(), z.number(), z.number()])
  .describe("x0, y0, x1, y1 in pixels of the photo.");
const rle = z
  .object({ size: z.tuple([z.number(), z.number()]), counts: z.string() })
  .describe("COCO's compressed run lengths; size is height, width.");
const withRle = z
  .boolean()
  .optional()
  .describe("Whether masks come along as COCO run lengths (long; default false).");
const withPicture = z
  .boolean()
  .optional()
  .describe("Whether a picture of the answer over the photo comes along (default true).");
const bbox = z
  .object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })
  .describe("In pixels, from the upper left corner.");

const size = { width: z.number(), height: z.number() };
const shape = {
  area: z.number().describe("Pixels."),
  share: z.number().describe("Of the photo, 0 to 1."),
  bbox,
  score: z.number().describe("How good the model believes the mask to be, 0 to 1."),
  rle: rle.optional(),
};

const mask = z.object({
  ...shape,
  id: z.number(),
  parent: z.number().nullable().describe("The mask it is a part of; null: a whole."),
  granularity: z.number().nullable(),
});

const searched = {
  granularity: z
    .union([z.number().min(0).max(1), z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)])])
    .optional()
    .describe("One granularity, or [from, to] (default [0.1, 1])."),
  minRegionArea: z.number().min(0).optional().describe("Smaller masks, in pixels, are left out (default 0)."),
  most: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("Masks that are listed, largest first (default 100)."),
};

/** What each tool takes and answers. */
export const TOOLS = {
  segment: {
    input: z.strictObject({
      ...{ image, points: points.optional(), box: box.optional() },
      ...{ granularity: granularity.optional(), rle: withRle, picture: withPicture },
    }),
    output: z.object({ ...size, ...shape, stability: z.number(), granularity: z.number().nullable() }),
  },
  ladder: {
    input: z.strictObject({
      ...{ image, points: points.optional(), box: box.optional() },
      levels: z
        .number()
        .int()
        .min(2)
        .max(64)
        .optional()
        .describe("Granularities that are tried (default 10)."),
      ...{ rle: withRle, picture: withPicture },
    }),
    output: z.object({
      ...size,
      scales: z.array(
        z.object({
          ...shape,
          range: z.tuple([z.number(), z.number()]).describe("Granularities that give this mask."),
          isStable: z.boolean().describe("The mask that lasts longest while granularity changes."),
        }),
      ),
    }),
  },
  everything: {
    input: z.strictObject({ image, ...searched, rle: withRle, picture: withPicture }),
    output: z.object({
      ...size,
      found: z.number().describe("Masks of the whole scene."),
      masks: z.array(mask),
    }),
  },
  describe_scene: {
    input: z.strictObject({ image, ...searched, picture: withPicture }),
    output: z.object({
      ...size,
      found: z.number(),
      wholes: z.array(
        z.object({
          id: z.number(),
          where: z.string().describe("Such as: upper left."),
          share: z.number(),
          bbox,
          parts: z.number().describe("Masks within it, parts of parts too."),
        }),
      ),
      text: z.string(),
    }),
  },
} as const;

export type ToolInput<T extends keyof typeof TOOLS> = z.infer<(typeof TOOLS)[T]["input"]>;
export type ToolOutput<T extends keyof typeof TOOLS> = z.infer<(typeof TOOLS)[T]["output"]>;
