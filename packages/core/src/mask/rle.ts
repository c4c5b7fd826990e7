import { UnSAMError } from "../errors.js";
import { lowestBit, popcount, wordsPerRow } from "./bits.js";
import { decodeCounts, encodeCounts } from "./rle-string.js";

/**
 * Run-length encoding of the COCO data set: lengths of alternating runs of background and foreground, background
 * first (0 where the first pixel is foreground), the pixels taken column by column.
 */
export interface RLE {
  /** Height, width. */
  readonly size: readonly [number, number];
  /** The lengths, or the string COCO's own tools pack them into. */
  readonly counts: readonly number[] | string;
}

/** A bit-packed mask as RLE; `compressed`: with the string that COCO's tools read. */
export function encodeRLE(words: Uint32Array, width: number, height: number, compressed: boolean): RLE {
  const changes = columnMajorChanges(words, width, height);
  const counts = new Array<number>(changes.length + 1);
  let last = 0;
  for (let i = 0; i < changes.length; i++) {
    counts[i] = changes[i] - last;
    last = changes[i];
  }
  counts[changes.length] = width * height - last;
  return { size: [height, width], counts: compressed ? encodeCounts(counts) : counts };
}

/** The bits of an RLE of untrusted origin. Throws `E_BAD_FILE` for everything that is not a whole mask. */
export function decodeRLE(
  rle: RLE,
  maxPixels: number,
): { width: number; height: number; words: Uint32Array } {
  const size: unknown = rle?.size;
  if (
    !Array.isArray(size) ||
    size.length !== 2 ||
    !size.every((side) => Number.isInteger(side) && side >= 1)
  ) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `The size of an RLE is [height, width] in pixels, not ${String(size).slice(0, 80)}.`,
    );
  }
  const [height, width] = size as [number, number];
  const pixels = width * height;
  if (pixels > maxPixels) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `An RLE of ${width}×${height} pixels is too large; the limit is ${maxPixels} (maxPixels).`,
    );
  }
  const counts = typeof rle.counts === "string" ? decodeCounts(rle.counts) : rle.counts;
  if (!Array.isArray(counts)) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `The counts of an RLE are a string or a list of numbers, not ${typeof counts}.`,
    );
  }
  let total = 0;
  for (const count of counts) {
    if (!(Number.isInteger(count) && count >= 0)) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `An RLE has the run length ${String(count)}; lengths are whole numbers from 0.`,
      );
    }
    total += count;
  }
  if (total !== pixels) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `The runs of an RLE cover ${total} pixels, but its size is ${width}×${height} = ${pixels}.`,
    );
  }
  return { width, height, words: fillRuns(counts, width, height) };
}

/**
 * Indices x·height + y at which the pixel differs from the one before it in column-major order. They are found row
 * by row, 32 columns at a time, and then sorted by column: rows come in order, so counting is enough.
 */
function columnMajorChanges(words: Uint32Array, width: number, height: number): Int32Array {
  const stride = wordsPerRow(width);
  const differing = new Uint32Array(words.length);
  const bottom = (height - 1) * stride;
  let total = 0;
  for (let k = 0; k < stride; k++) {
    // Before the top pixel of a column comes the bottom one of the column to the left.
    const left = (words[bottom + k] << 1) | (k === 0 ? 0 : words[bottom + k - 1] >>> 31);
    const inside = k === stride - 1 && (width & 31) !== 0 ? (1 << (width & 31)) - 1 : -1;
    differing[k] = (words[k] ^ left) & inside;
  }
  for (let i = stride; i < words.length; i++) differing[i] = words[i] ^ words[i - stride];

  const next = new Int32Array(width + 1);
  for (let i = 0; i < differing.length; i++) {
    total += popcount(differing[i]);
    const base = (i % stride) * 32;
    for (let word = differing[i]; word !== 0; word &= word - 1) next[base + lowestBit(word) + 1]++;
  }
  for (let x = 1; x <= width; x++) next[x] += next[x - 1];
  const changes = new Int32Array(total);
  for (let y = 0, i = 0; y < height; y++) {
    for (let k = 0; k < stride; k++, i++) {
      for (let word = differing[i]; word !== 0; word &= word - 1) {
        const x = k * 32 + lowestBit(word);
        changes[next[x]++] = x * height + y;
      }
    }
  }
  return changes;
}

/** Marks where foreground begins and ends in each column, then carries the marks down the rows. */
function fillRuns(counts: readonly number[], width: number, height: number): Uint32Array {
  const stride = wordsPerRow(width);
  const words = new Uint32Array(stride * height);
  let position = 0;
  for (let i = 0; i < counts.length; i++) {
    const end = position + counts[i];
    if (i % 2 === 1 && end > position) {
      const lastColumn = Math.floor((end - 1) / height);
      for (let x = Math.floor(position / height); x <= lastColumn; x++) {
        const from = Math.max(position - x * height, 0);
        const to = end - x * height;
        words[from * stride + (x >> 5)] ^= 1 << (x & 31);
        if (to < height) words[to * stride + (x >> 5)] ^= 1 << (x & 31);
      }
    }
    position = end;
  }
  for (let i = stride; i < words.length; i++) words[i] ^= words[i - stride];
  return words;
}
