import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { parseJson, readFileBytes, readFileText, reasonOf, shown } from "@unsam/core/files";
import { Budget, type Limits, maskBytes } from "@unsam/core/limits";
import { checkRLE, Mask, type RLE, readMaskPNGHeader } from "@unsam/core/mask";
import { type Abortable, callersAbort, move } from "@unsam/core/runtime";
import { z } from "zod";

// Worker side: a list of labelled regions may take megabytes of text, and each mask of it takes milliseconds.

/** A list of labelled regions is written by hand or by a labelling tool; beyond this it is something else. */
const MOST_BYTES = 64 * 2 ** 20;
/** Run lengths that are not compressed are a value each; so many take some hundred megabytes while they are read. */
const MOST_VALUES = 2 ** 24;

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
        // Size and run lengths are checked where they are decoded.
        mask: z.union([z.string().min(1), z.strictObject({ size: z.unknown(), counts: z.unknown() })]),
      }),
    )
    .min(1)
    .max(10_000),
});

type TargetLimits = Pick<Limits, "maxPixels" | "maxBytes">;

/** Reads the list and its masks. Everything in it is checked; masks count against one budget before they are filled. */
export async function read(file: string, limits: TargetLimits) {
  const signal = callersAbort;
  const what = "The list of labelled regions";
  const name = `${what} ${shown(file)}`;
  const text = await readFileText(file, { what, code: "E_BAD_FILE", maxBytes: MOST_BYTES, signal });
  const result = schema.safeParse(parseJson(text, name, "E_BAD_FILE", MOST_VALUES));
  if (!result.success) {
    const [issue] = result.error.issues;
    const where = issue.path.join(".") || "the document";
    throw new UnSAMError("E_BAD_FILE", `${name} is none: ${where}: ${issue.message.slice(0, 300)}.`);
  }
  const beside = (named: string) => path.resolve(path.dirname(file), named);
  const naming = async <T>(i: number, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (cause) {
      if (!UnSAMError.isInstance(cause)) throw cause;
      throw new UnSAMError(cause.code, `${name}: regions.${i}: ${reasonOf(cause)}.`, { cause });
    }
  };
  // All are looked at before the first is filled.
  const budget = new Budget(name, limits.maxBytes);
  const sources: MaskSource[] = [];
  for (const [i, { mask }] of result.data.regions.entries()) {
    const source = await naming(i, () =>
      typeof mask === "string" ? fileSource(beside(mask), limits, signal) : rleSource(mask as RLE, limits),
    );
    budget.take(source.bytes);
    sources.push(source);
  }
  const places = new Map<string, number>();
  const regions = [];
  for (const [i, { image, mask: _, ...prompt }] of result.data.regions.entries()) {
    const { width, height, words } = await naming(i, () => sources[i].read());
    const photo = beside(image);
    if (!places.has(photo)) places.set(photo, places.size);
    regions.push({ image: places.get(photo)!, prompt, mask: { width, height, words } });
  }
  const read = { images: [...places.keys()], regions };
  return move(read, ...regions.map(({ mask }) => mask.words));
}

/** A mask that was looked at and is yet to be filled. */
interface MaskSource {
  /** What it takes then. */
  readonly bytes: number;
  readonly read: () => Promise<Mask>;
}

async function rleSource(rle: RLE, { maxPixels }: TargetLimits): Promise<MaskSource> {
  const { width, height } = checkRLE(rle, maxPixels);
  return { bytes: maskBytes(width, height), read: async () => Mask.fromRLE(rle, { maxPixels }) };
}

/** The file is read once more when it is decoded: of thousands, few fit into memory. */
async function fileSource(file: string, { maxPixels }: TargetLimits, signal: Abortable): Promise<MaskSource> {
  const load = () =>
    readFileBytes(file, { what: "The mask", code: "E_BAD_FILE", maxBytes: MOST_BYTES, signal });
  const { width, height } = await readMaskPNGHeader(await load(), maxPixels);
  const bytes = maskBytes(width, height);
  const budget = new Budget(`The mask ${shown(file)}`, bytes);
  return { bytes, read: async () => Mask.fromPNG(await load(), { maxPixels, budget }) };
}
