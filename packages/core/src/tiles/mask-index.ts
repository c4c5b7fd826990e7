import { commonPixels, type PackedMask, PackedRows, type RowMark } from "../mask/index.js";

/** Side of the squares by which masks are found, pixels. */
const CELL = 512;
/** Rows between two places at which a walk over a tall mask can begin. */
const ROWS_A_MARK = 64;

/** Masks of one large image, found by where their boxes lie. Numbers are places in the order of adding. */
export class MaskIndex {
  readonly #masks: PackedMask[] = [];
  readonly #cells = new Map<number, number[]>();
  readonly #marks: (RowMark[] | null)[] = [];
  /** In which search each mask was met last. */
  readonly #met: number[] = [];
  #search = 0;

  get size(): number {
    return this.#masks.length;
  }

  mask(number: number): PackedMask {
    return this.#masks[number];
  }

  add(mask: PackedMask): number {
    const number = this.#masks.push(mask) - 1;
    this.#marks.push(null);
    this.#met.push(0);
    for (const cell of cellsOf(mask.box)) {
      const list = this.#cells.get(cell);
      if (list) list.push(number);
      else this.#cells.set(cell, [number]);
    }
    return number;
  }

  /** The masks that may have so many pixels in common with this one, going by boxes, in the order of adding. */
  near(mask: PackedMask, least: number): number[] {
    this.#search++;
    const found: number[] = [];
    for (const cell of cellsOf(mask.box)) {
      for (const number of this.#cells.get(cell) ?? []) {
        if (this.#met[number] === this.#search) continue;
        this.#met[number] = this.#search;
        const other = this.#masks[number];
        if (other.area >= least && boxArea(mask.box, other.box) >= least) found.push(number);
      }
    }
    return found.sort((a, b) => a - b);
  }

  /** Pixels that a mask has in common with one of the index. */
  common(mask: PackedMask, number: number): number {
    const other = this.#masks[number];
    const top = Math.max(mask.box[1], other.box[1]);
    const bottom = Math.min(mask.box[3], other.box[3]);
    return commonPixels(new PackedRows(mask), this.#walk(number, top), top, bottom);
  }

  /** A walk over a mask's rows that reaches row y soon. */
  #walk(number: number, y: number): PackedRows {
    const mask = this.#masks[number];
    const behind = y - mask.box[1] - 1;
    if (behind < ROWS_A_MARK) return new PackedRows(mask);
    this.#marks[number] ??= marksOf(mask);
    return new PackedRows(mask, this.#marks[number]?.[Math.floor(behind / ROWS_A_MARK)]);
  }
}

/** Marks at rows 0, 64, 128 … of the box. */
function marksOf(mask: PackedMask): RowMark[] {
  const marks: RowMark[] = [];
  const rows = new PackedRows(mask);
  for (let row = 0; rows.next(); row++) if (row % ROWS_A_MARK === 0) marks.push(rows.mark());
  return marks;
}

function* cellsOf([x0, y0, x1, y1]: PackedMask["box"]): Generator<number> {
  for (let row = Math.floor(y0 / CELL); row <= Math.floor(y1 / CELL); row++) {
    // No image is 2²² squares wide.
    for (let column = Math.floor(x0 / CELL); column <= Math.floor(x1 / CELL); column++) {
      yield row * 2 ** 22 + column;
    }
  }
}

/** Pixels that two boxes with inclusive corners have in common. */
function boxArea(a: PackedMask["box"], b: PackedMask["box"]): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1;
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1;
  return width > 0 && height > 0 ? width * height : 0;
}
