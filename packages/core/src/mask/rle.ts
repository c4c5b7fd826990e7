import { shownValue, UnSAMError } from "../errors.js";
import { checkPixels } from "../limits/index.js";
import { flipRun, lowestBit, popcount, wordsPerRow } from "./bits.js";
import { type PackedMask, packMask, unpackMask } from "./packed.js";
import { CountsReader, encodeCounts } from "./rle-string.js";

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
  return countsOf(columnMajorChanges(words, width, height), width, height, compressed);
}

/** The same of a packed mask, at the cost of its box, not of the image. */
export function encodePackedRLE(mask: PackedMask, compressed: boolean): RLE {
  const { width, height, area, box } = mask;
  if (area === 0) return countsOf(new Int32Array(0), width, height, compressed);
  const [x0, y0, x1, y1] = box;
  const columns = x1 - x0 + 1;
  // With a row of background below, no run goes on in the next column; where the box is as high as the image, runs do.
  const isHigh = y1 - y0 + 1 === height;
  const rows = y1 - y0 + (isHigh ? 1 : 2);
  const words = unpackMask({ ...mask, width: columns, height: rows, box: [0, 0, columns - 1, y1 - y0] });
  const changes = columnMajorChanges(words, columns, rows).map((at) => {
    const column = Math.floor(at / rows);
    return (x0 + column) * height + y0 + at - column * rows;
  });
  // A run that ends with the last column ends behind the image; there is no change.
  const end = changes.at(-1) === width * height ? changes.length - 1 : changes.length;
  const closes = isHigh && changes.length % 2 === 1 && x1 + 1 < width;
  const within = changes.subarray(0, end);
  return countsOf(
    closes ? Int32Array.from([...within, (x1 + 1) * height]) : within,
    width,
    height,
    compressed,
  );
}

/** `changes`: indices x·height + y at which the pixel differs from the one before, ascending. */
function countsOf(changes: Int32Array, width: number, height: number, compressed: boolean): RLE {
  const counts = new Array<number>(changes.length + 1);
  let last = 0;
  for (let i = 0; i < changes.length; i++) {
    counts[i] = changes[i] - last;
    last = changes[i];
  }
  counts[changes.length] = width * height - last;
  return { size: [height, width], counts: compressed ? encodeCounts(counts) : counts };
}

/** An RLE of untrusted origin that was checked to be a whole mask; nothing is filled yet. */
export interface CheckedRLE {
  readonly width: number;
  readonly height: number;
  /** Foreground pixels. */
  readonly area: number;
  /** First and last foreground column and row (corners inclusive); zeros for an empty mask. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
  readonly counts: RLE["counts"];
}

/**
 * Checks every number of an RLE, in one walk over its runs that allocates nothing: its size, at most `maxPixels`
 * pixels, and its runs, which must cover them exactly. Throws `E_BAD_FILE`.
 */
export function checkRLE(rle: RLE, maxPixels?: number): CheckedRLE {
  const { height, width } = checkSize(rle?.size, maxPixels);
  const { counts } = rle;
  if (typeof counts !== "string" && !Array.isArray(counts)) {
    throw bad(`The counts of an RLE are a string or a list of numbers, not ${typeof counts}.`);
  }
  const pixels = width * height;
  const runs = new Runs(counts);
  let area = 0;
  let [x0, y0, x1, y1] = [width, height, -1, -1];
  while (runs.next()) {
    const { start, end } = runs;
    if (end > pixels) continue;
    area += end - start;
    const [left, right] = [Math.floor(start / height), Math.floor((end - 1) / height)];
    x0 = Math.min(x0, left);
    x1 = Math.max(x1, right);
    // A run that goes on in the next column holds the last row of one and the first of the other.
    y0 = Math.min(y0, right > left ? 0 : start - left * height);
    y1 = Math.max(y1, right > left ? height - 1 : end - 1 - left * height);
  }
  if (runs.total !== pixels) {
    throw bad(
      `The runs of an RLE cover ${runs.total} pixels, but its size is ${width}×${height} = ${pixels}.`,
    );
  }
  return { width, height, area, box: area === 0 ? [0, 0, 0, 0] : [x0, y0, x1, y1], counts };
}

/** Its bits in the layout of `Mask`. */
export function fillRLE({ width, height, counts }: CheckedRLE): Uint32Array {
  return fillRuns(counts, height, [0, 0, width - 1, height - 1]);
}

/** Packed, without ever holding more than the bits of its box: of a small mask of a large image that is little. */
export function packRLE({ width, height, area, box, counts }: CheckedRLE): PackedMask {
  if (area === 0) return { width, height, area, box: [0, 0, 0, 0], data: new Uint8Array(0) };
  const [x, y, x1, y1] = box;
  return packMask(fillRuns(counts, height, box), x1 - x + 1, y1 - y + 1, { x, y, width, height });
}

/** Bytes of the bits of a checked mask's box, which `packRLE` fills. */
export function boxBytes({ area, box: [x0, y0, x1, y1] }: CheckedRLE): number {
  return area === 0 ? 0 : 4 * wordsPerRow(x1 - x0 + 1) * (y1 - y0 + 1);
}

function checkSize(size: unknown, maxPixels: number | undefined): { height: number; width: number } {
  if (
    !Array.isArray(size) ||
    size.length !== 2 ||
    !size.every((side) => Number.isInteger(side) && side >= 1)
  ) {
    throw bad(`The size of an RLE is [height, width] in pixels, not ${shownValue(size)}.`);
  }
  const [height, width] = size as [number, number];
  checkPixels("An RLE", { width, height }, maxPixels);
  // However large the limit is: every index of a mask stays a 32-bit integer.
  checkPixels("An RLE", { width, height }, MOST_PIXELS);
  return { height, width };
}

const MOST_PIXELS = 2 ** 31 - 1;

/** Walks the foreground runs of untrusted counts. Throws `E_BAD_FILE` for a length that is none. */
class Runs {
  /** Of the run at hand, in pixels down the columns; the end is exclusive. */
  start = 0;
  end = 0;
  /** Pixels of all runs read so far, background and foreground. */
  total = 0;
  readonly #text: CountsReader | null;
  readonly #list: readonly number[];
  #at = 0;

  constructor(counts: RLE["counts"]) {
    this.#text = typeof counts === "string" ? new CountsReader(counts) : null;
    this.#list = typeof counts === "string" ? [] : counts;
  }

  /** Goes on to the next foreground run that is not empty; false behind the last one. */
  next(): boolean {
    for (;;) {
      if (this.#length() < 0) return false;
      const start = this.total;
      if (this.#length() < 0) return false;
      if (this.total === start) continue;
      this.start = start;
      this.end = this.total;
      return true;
    }
  }

  #length(): number {
    const length = this.#text ? this.#text.next() : this.#listed();
    if (length > 0) this.total += length;
    return length;
  }

  #listed(): number {
    if (this.#at === this.#list.length) return -1;
    const length: unknown = this.#list[this.#at++];
    if (Number.isInteger(length) && (length as number) >= 0) return length as number;
    throw bad(`An RLE has the run length ${shownValue(length)}; lengths are whole numbers from 0.`);
  }
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

/**
 * The bits of a box that holds all foreground. Marks where foreground begins and ends in each column, then carries the
 * marks down the rows.
 */
function fillRuns(counts: RLE["counts"], height: number, [x0, y0, x1, y1]: CheckedRLE["box"]): Uint32Array {
  const stride = wordsPerRow(x1 - x0 + 1);
  const rows = y1 - y0 + 1;
  const words = new Uint32Array(stride * rows);
  const mark = (x: number, y: number) => {
    if (y - y0 < rows) words[(y - y0) * stride + ((x - x0) >> 5)] ^= 1 << ((x - x0) & 31);
  };
  const runs = new Runs(counts);
  while (runs.next()) {
    const { start, end } = runs;
    const first = Math.floor(start / height);
    const last = Math.floor((end - 1) / height);
    mark(first, start - first * height);
    if (last > first) {
      // Columns that are foreground from top to bottom, many at once.
      flipRun(words, 0, first + 1 - x0, last - x0);
      mark(last, 0);
    }
    mark(last, end - last * height);
  }
  for (let i = stride; i < words.length; i++) words[i] ^= words[i - stride];
  return words;
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", message);
}
