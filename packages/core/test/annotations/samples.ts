import fc from "fast-check";
import {
  type AnnotatedImage,
  type AnnotatedRegion,
  type AnnotationCodec,
  type ReadContext,
  recogniseAnnotations,
  type WriteContext,
} from "#core/annotations/index.js";
import { Budget } from "#core/limits/index.js";
import { Mask, type PackedMask, packMask, unpackMask } from "#core/mask/index.js";

export function packed(width: number, height: number, bytes: ArrayLike<number>): PackedMask {
  return packMask(Mask.fromBytes(width, height, bytes).words, width, height);
}

/** Row by row, 0 or 1. */
export function bytesOf(mask: PackedMask): number[] {
  return [...new Mask(mask.width, mask.height, unpackMask(mask)).toBytes()];
}

export function region(
  shape: AnnotatedRegion["shape"],
  more: Partial<AnnotatedRegion> = {},
): AnnotatedRegion {
  return { label: "region", shape, score: null, stability: null, granularity: null, parent: null, ...more };
}

const shares = fc.option(fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0));
const labels = fc.oneof(fc.constant("region"), fc.string({ minLength: 1, unit: "binary" }).filter(isPlain));

/** What every format can say: XML has no control characters, and files of text no halves of characters. */
function isPlain(text: string): boolean {
  const isBroken = /[\p{Cc}\p{Cs}\u2028\u2029\uFFFE\uFFFF]/u.test(text);
  return !isBroken && text.trim() === text && text !== "";
}

/** Images of masks without any order: some empty, many of several parts and with holes. */
export const maskImages: fc.Arbitrary<AnnotatedImage> = fc
  .record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 9 }) })
  .chain(({ width, height }) =>
    fc
      .array(
        fc.record({
          bytes: fc.array(fc.constantFrom(0, 1), { minLength: width * height, maxLength: width * height }),
          label: labels,
          score: shares,
          stability: shares,
          granularity: shares,
          parent: fc.option(fc.nat(5)),
        }),
        { maxLength: 5 },
      )
      .map((list): AnnotatedImage => {
        const regions = list
          .filter(({ bytes }) => bytes.includes(1))
          .map(({ bytes, parent, ...facts }, k, all): AnnotatedRegion => {
            const above = parent !== null && parent < all.length && parent !== k ? parent : null;
            return { ...facts, shape: { kind: "mask", mask: packed(width, height, bytes) }, parent: above };
          });
        return { fileName: "a & b/photo.jpg", width, height, regions };
      }),
  );

export const classesOf = (images: readonly AnnotatedImage[]) => [
  ...new Set(images.flatMap(({ regions }) => regions.map(({ label }) => label))),
];

export const never = { aborted: false, throwIfAborted: () => {} };

export function writing(images: readonly AnnotatedImage[], more: Partial<WriteContext> = {}): WriteContext {
  return { budget: new Budget("x"), signal: never, classes: classesOf(images), georeference: null, ...more };
}

export function reading(more: Partial<ReadContext> = {}): ReadContext & { notes: string[] } {
  const notes: string[] = [];
  return {
    name: "“a”",
    budget: new Budget("“a”"),
    maxPixels: undefined,
    signal: never,
    photo: null,
    classes: null,
    note: (what) => notes.push(what),
    notes,
    ...more,
  };
}

export async function writeText(
  format: AnnotationCodec,
  images: readonly AnnotatedImage[],
  more: Partial<WriteContext> = {},
): Promise<string> {
  let text = "";
  for await (const piece of format.write(images, writing(images, more))) text += piece;
  return text;
}

/** What comes back of a file's content, recognised by its name and content, and what was noted on the way. */
export async function readText(file: string, content: unknown, more: Partial<ReadContext> = {}) {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const known = recogniseAnnotations(text, file, "“a”");
  const context = reading(more);
  const images = await known.format.read(known.content, context);
  return { images, notes: context.notes, format: known.format.name };
}
/** What comes back of images written and read in a format, recognised by its content alone. */
export async function there(
  format: AnnotationCodec,
  images: readonly AnnotatedImage[],
): Promise<AnnotatedImage[]> {
  const text = await writeText(format, images);
  const known = recogniseAnnotations(
    text,
    format.content === "JSON" ? "x.json" : `x${format.suffixes[0]}`,
    "“a”",
  );
  const [{ fileName, width, height }] = images;
  const photo = { fileName, width, height, georeference: null };
  return known.format.read(known.content, reading({ photo, classes: classesOf(images) }));
}
