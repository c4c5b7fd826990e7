import { type PackedMask, PackedRows } from "../mask/index.js";
import type { CropBox } from "./grid.js";

/** Samples along each side for each point of the grid along it, within limits. */
const SAMPLES_PER_POINT = 8;
const FEWEST = 64;
const MOST = 512;

/** Which of a lattice of sample points over a crop lie in a mask. */
export class Coverage {
  readonly columns: number;
  readonly rows: number;
  /** 1: in a mask, [rows, columns]. */
  readonly covered: Uint8Array;
  /** Pixel of the image at each sample. */
  readonly #x: Int32Array;
  readonly #y: Int32Array;
  #count = 0;

  constructor([x0, y0, x1, y1]: CropBox, pointsPerSide: number) {
    const wanted = Math.min(MOST, Math.max(FEWEST, SAMPLES_PER_POINT * pointsPerSide));
    this.columns = Math.min(wanted, x1 - x0);
    this.rows = Math.min(wanted, y1 - y0);
    this.covered = new Uint8Array(this.columns * this.rows);
    const places = (count: number, from: number, to: number) =>
      Int32Array.from({ length: count }, (_, i) => from + Math.floor(((i + 0.5) / count) * (to - from)));
    this.#x = places(this.columns, x0, x1);
    this.#y = places(this.rows, y0, y1);
  }

  /** Share of the samples that lie in a mask. */
  get share(): number {
    return this.#count / this.covered.length;
  }

  /** Pixel of a sample. */
  pixel(column: number, row: number): [x: number, y: number] {
    return [this.#x[column], this.#y[row]];
  }

  /** Sample nearest to a pixel. */
  sampleAt(x: number, y: number): number {
    const nearest = (places: Int32Array, value: number) => {
      const step = places.length > 1 ? (places[places.length - 1] - places[0]) / (places.length - 1) : 1;
      return Math.min(places.length - 1, Math.max(0, Math.round((value - places[0]) / step)));
    };
    return nearest(this.#y, y) * this.columns + nearest(this.#x, x);
  }

  add(mask: PackedMask): void {
    const lines = new PackedRows(mask);
    let row = this.#y.findIndex((y) => y >= mask.box[1]);
    if (row < 0) return;
    while (row < this.rows && lines.next()) {
      if (lines.y < this.#y[row]) continue;
      const { crossings, count } = lines;
      const line = row * this.columns;
      for (let i = 0, column = 0; i < count; i += 2) {
        while (column < this.columns && this.#x[column] < crossings[i]) column++;
        for (; column < this.columns && this.#x[column] < crossings[i + 1]; column++) {
          this.#count += 1 - this.covered[line + column];
          this.covered[line + column] = 1;
        }
      }
      row++;
    }
  }
}
