import { readFile } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { Mask } from "@unsam/core/mask";
import { z } from "zod";
import type { CalibrationTarget } from "./calibrate.js";

/** A list of labelled regions is written by hand or by a labelling tool; beyond this it is something else. */
const MOST_BYTES = 64 * 2 ** 20;

const coordinate = z.number();
const unit = z.union([z.number().min(0).max(1), z.enum(["fine", "medium", "coarse"])]);
const schema = z.strictObject({
  regions: z
    .array(
      z.strictObject({
        image: z.string().min(1),
        points: z
          .array(
            z.union([
              z.tuple([coordinate, coordinate]),
              z.tuple([coordinate, coordinate, z.union([z.literal(1), z.literal(0)])]),
            ]),
          )
          .min(1)
          .optional(),
        box: z.tuple([coordinate, coordinate, coordinate, coordinate]).optional(),
        granularity: unit.optional(),
        mask: z.union([
          z.string().min(1),
          z.strictObject({
            size: z.tuple([z.int().min(1), z.int().min(1)]),
            counts: z.union([z.string(), z.array(z.int().min(0))]),
          }),
        ]),
      }),
    )
    .min(1)
    .max(10_000),
});

export interface CalibrationTargets {
  /** Paths of the images; `image` of a target counts in them. */
  readonly images: readonly string[];
  readonly targets: readonly CalibrationTarget[];
}

/**
 * Reads labelled regions for `calibrate` (docs/schemas/calibration-targets.schema.json): image, clicks or a box, and the
 * mask as a PNG or as COCO RLE. Paths are relative to the file. The file is not trusted: throws `E_BAD_FILE`.
 */
export async function readCalibrationTargets(file: string): Promise<CalibrationTargets> {
  const text = await read(file, "The targets");
  let value: unknown;
  try {
    value = JSON.parse(text.toString("utf8"));
  } catch (cause) {
    throw new UnSAMError("E_BAD_FILE", `The targets ${file} are not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file} is no list of labelled regions: ${issue.path.join(".") || "the document"}: ${issue.message}.`,
    );
  }
  const beside = (name: string) => path.resolve(path.dirname(file), name);
  const images = [...new Set(result.data.regions.map(({ image }) => beside(image)))];
  const targets: CalibrationTarget[] = [];
  for (const { image, mask, ...prompt } of result.data.regions) {
    const region =
      typeof mask === "string"
        ? await Mask.fromPNG(await read(beside(mask), "The mask"))
        : Mask.fromRLE({ size: mask.size, counts: mask.counts });
    targets.push({ image: images.indexOf(beside(image)), prompt, mask: region });
  }
  return { images, targets };
}

async function read(file: string, what: string): Promise<Buffer> {
  const bytes = await readFile(file).catch((cause) => {
    throw new UnSAMError("E_BAD_FILE", `${what} ${file} cannot be read: ${cause.message}`, { cause });
  });
  if (bytes.length <= MOST_BYTES) return bytes;
  throw new UnSAMError("E_BAD_FILE", `${file} has ${bytes.length} bytes; at most ${MOST_BYTES} are read.`);
}
