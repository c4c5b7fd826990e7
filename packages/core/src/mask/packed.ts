import { nextClear, nextSet, setRun, wordsPerRow } from "./bits.js";
import { boundingBox } from "./bounding-box.js";

/**
 * A mask kept small, without loss: only the rows of its box, each as the columns where foreground begins and ends.
 * A mask of a 12-megapixel photo takes 1.5 MB as bits and some kilobytes so. Plain data: it crosses threads as it is.
 */
export interface PackedMask {
  /** Size of the image in pixels. */
  readonly width: number;
  readonly height: number;
  readonly area: number;
  /** x0, y0, x1, y1 of the first and last foreground column and row (corners inclusive); zeros for an empty mask. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
  /**
   * Row by row from y0 to y1, in numbers of 7 bits a byte, lowest first, the high bit set where more follow:
   * 4 · crossings + mode, then the crossings (columns from x0 on at which runs begin and end, alternately).
   * Mode 0: the first crossing and the gaps between them; 1: as many as in the row above, each as its difference to
   * the one there (0, −1, 1, −2 … as 0, 1, 2, 3 …); 2: the same crossings as above, none is written.
   */
  readonly data: Uint8Array;
}

const GAPS = 0;
const SHIFTED = 1;
const SAME = 2;

/** Where a mask lies that was made on a crop of the image. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  /** Size of the whole image. */
  readonly width: number;
  readonly height: number;
}

/** Packs bits in the layout of `Mask`; with a frame, those of a crop as a mask of the whole image. */
export function packMask(words: Uint32Array, width: number, height: number, frame?: Frame): PackedMask {
  const { x: left, y: top, ...size } = frame ?? { x: 0, y: 0, width, height };
  const box = boundingBox(width, height, words);
  if (box.width === 0) return { ...size, area: 0, box: [0, 0, 0, 0], data: new Uint8Array(0) };
  const stride = wordsPerRow(width);
  const out = new ByteWriter(4 * box.height);
  // Only this row and the one above: a comb has as many crossings in each row as there are columns.
  let row = new RowCrossings();
  let above = new RowCrossings();
  let area = 0;
  for (let y = box.y; y < box.y + box.height; y++) {
    [row, above] = [above, row];
    area += row.find(words, y * stride, width);
    writeRow(out, row, y > box.y ? above : null, box.x);
  }
  const [x0, y0] = [left + box.x, top + box.y];
  return { ...size, area, box: [x0, y0, x0 + box.width - 1, y0 + box.height - 1], data: out.bytes() };
}

/** One row of a mask: the columns at which runs begin (even places) and end (odd ones, exclusive), ascending. */
export interface MaskRow {
  readonly y: number;
  readonly crossings: Int32Array;
  /** How many of them are of this row. */
  readonly count: number;
}

/**
 * Packs rows that come from the top down; rows that are left out are empty. `rows` is walked twice, and its arrays may be
 * used again for the next row. No bits are made.
 */
export function packRows(rows: () => Iterable<MaskRow>, width: number, height: number): PackedMask {
  let area = 0;
  let [x0, y0, x1, y1] = [width, height, -1, -1];
  for (const { y, crossings, count } of rows()) {
    if (count === 0) continue;
    for (let i = 0; i < count; i += 2) area += crossings[i + 1] - crossings[i];
    x0 = Math.min(x0, crossings[0]);
    x1 = Math.max(x1, crossings[count - 1] - 1);
    y0 = Math.min(y0, y);
    y1 = y;
  }
  if (area === 0) return { width, height, area, box: [0, 0, 0, 0], data: new Uint8Array(0) };
  const out = new ByteWriter(4 * (y1 - y0 + 1));
  let row = new RowCrossings();
  let above = new RowCrossings();
  let next = y0;
  const write = (crossings: Int32Array, count: number) => {
    [row, above] = [above, row];
    row.set(crossings, count);
    writeRow(out, row, next > y0 ? above : null, x0);
    next++;
  };
  for (const { y, crossings, count } of rows()) {
    if (count === 0) continue;
    while (next < y) write(crossings, 0);
    write(crossings, count);
  }
  return { width, height, area, box: [x0, y0, x1, y1], data: out.bytes() };
}

function writeRow(out: ByteWriter, row: RowCrossings, above: RowCrossings | null, x0: number): void {
  const { count, at } = row;
  if (above?.count !== count) {
    out.write(4 * count + GAPS);
    let before = x0;
    for (let i = 0; i < count; i++) {
      out.write(at[i] - before);
      before = at[i];
    }
    return;
  }
  let same = true;
  for (let i = 0; i < count && same; i++) same = at[i] === above.at[i];
  if (same) {
    out.write(4 * count + SAME);
    return;
  }
  out.write(4 * count + SHIFTED);
  for (let i = 0; i < count; i++) {
    const shift = at[i] - above.at[i];
    out.write(shift < 0 ? -2 * shift - 1 : 2 * shift);
  }
}

/** A mask that was made on a crop, as a mask of the whole image. */
export function placeMask(mask: PackedMask, { x, y, width, height }: Frame): PackedMask {
  const [x0, y0, x1, y1] = mask.box;
  const box = mask.area === 0 ? mask.box : ([x0 + x, y0 + y, x1 + x, y1 + y] as const);
  return { ...mask, width, height, box };
}

/** The bits of a packed mask, in the layout of `Mask`. */
export function unpackMask(mask: PackedMask): Uint32Array {
  const stride = wordsPerRow(mask.width);
  const words = new Uint32Array(stride * mask.height);
  const rows = new PackedRows(mask);
  while (rows.next()) {
    const { crossings, count } = rows;
    for (let i = 0; i < count; i += 2) setRun(words, rows.y * stride, crossings[i], crossings[i + 1]);
  }
  return words;
}

/** A place in a packed mask at which a walk over its rows can begin. */
export interface RowMark {
  readonly y: number;
  /** Byte behind the row. */
  readonly at: number;
  readonly crossings: Int32Array;
}

/** Walks the rows of a packed mask's box from top to bottom. */
export class PackedRows {
  /** Row of the image; before the first `next` the one above the box. */
  y: number;
  /** Columns of the image at which runs begin (even places) and end (odd ones, exclusive), ascending. */
  crossings = new Int32Array(8);
  /** How many of them are of this row. */
  count = 0;
  readonly #data: Uint8Array;
  readonly #left: number;
  readonly #last: number;
  #at = 0;

  /** From the top of the box, or from where another walk over the same mask has come to. */
  constructor({ area, box, data }: PackedMask, from?: RowMark) {
    this.#data = data;
    this.#left = box[0];
    this.y = box[1] - 1;
    this.#last = area === 0 ? this.y : box[3];
    if (!from) return;
    this.y = from.y;
    this.#at = from.at;
    this.count = from.crossings.length;
    if (this.count > this.crossings.length) this.crossings = new Int32Array(this.count);
    this.crossings.set(from.crossings);
  }

  /** Where the walk has come to. */
  mark(): RowMark {
    return { y: this.y, at: this.#at, crossings: this.crossings.slice(0, this.count) };
  }

  /** Reads one more row; false behind the last one. */
  next(): boolean {
    if (this.y >= this.#last) return false;
    this.y++;
    const head = this.#number();
    const mode = head & 3;
    const count = head >>> 2;
    if (mode === SHIFTED) {
      for (let i = 0; i < count; i++) {
        const code = this.#number();
        this.crossings[i] += code & 1 ? -((code + 1) >>> 1) : code >>> 1;
      }
    } else if (mode === GAPS) {
      if (count > this.crossings.length) this.crossings = new Int32Array(2 * count);
      let column = this.#left;
      for (let i = 0; i < count; i++) {
        column += this.#number();
        this.crossings[i] = column;
      }
      this.count = count;
    }
    return true;
  }

  #number(): number {
    let byte = this.#data[this.#at++];
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = this.#data[this.#at++];
      value |= (byte & 127) << shift;
    }
    return value;
  }
}

/** Number of pixels in both masks, which are of one size. */
export function packedIntersection(a: PackedMask, b: PackedMask): number {
  const top = Math.max(a.box[1], b.box[1]);
  const bottom = Math.min(a.box[3], b.box[3]);
  if (a.area === 0 || b.area === 0 || a.box[0] > b.box[2] || b.box[0] > a.box[2] || top > bottom) return 0;
  return commonPixels(new PackedRows(a), new PackedRows(b), top, bottom);
}

/** Number of pixels that two masks have in common in the rows from top to bottom, both included. */
export function commonPixels(rowsA: PackedRows, rowsB: PackedRows, top: number, bottom: number): number {
  let common = 0;
  for (let y = top; y <= bottom; y++) {
    while (rowsA.y < y) rowsA.next();
    while (rowsB.y < y) rowsB.next();
    const { crossings: ca, count: na } = rowsA;
    const { crossings: cb, count: nb } = rowsB;
    for (let i = 0, j = 0; i < na && j < nb; ) {
      const end = Math.min(ca[i + 1], cb[j + 1]);
      const start = Math.max(ca[i], cb[j]);
      if (end > start) common += end - start;
      if (ca[i + 1] === end) i += 2;
      if (cb[j + 1] === end) j += 2;
    }
  }
  return common;
}

/** Intersection over union; 1 for two empty masks. */
export function packedIoU(a: PackedMask, b: PackedMask): number {
  const common = packedIntersection(a, b);
  const union = a.area + b.area - common;
  return union === 0 ? 1 : common / union;
}

/** The columns of one row at which runs begin and end, alternately. */
class RowCrossings {
  at = new Int32Array(64);
  count = 0;

  set(crossings: Int32Array, count: number): void {
    while (count > this.at.length) this.at = grown(this.at);
    for (let i = 0; i < count; i++) this.at[i] = crossings[i];
    this.count = count;
  }

  /** Finds those of the row that starts at word `row`; returns its foreground pixels. */
  find(words: Uint32Array, row: number, width: number): number {
    let area = 0;
    this.count = 0;
    for (let x = nextSet(words, row, 0, width); x < width; ) {
      const end = nextClear(words, row, x, width);
      if (this.count + 2 > this.at.length) this.at = grown(this.at);
      this.at[this.count++] = x;
      this.at[this.count++] = end;
      area += end - x;
      x = nextSet(words, row, end, width);
    }
    return area;
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}

class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(guess: number) {
    this.#bytes = new Uint8Array(guess);
  }

  write(value: number): void {
    if (this.#length + 5 > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length + 5);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
  }

  /** In a buffer of their own, as long as they are. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
