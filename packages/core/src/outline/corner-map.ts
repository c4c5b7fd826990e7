import type { PolygonPoint } from "../mask/index.js";

/** Steps along pixel edges in the order of right turns: right, down, left, up. */
export type Direction = 0 | 1 | 2 | 3;

/** Stands where outlines part, meet or touch: the directions there do not matter any more. No corner has all four. */
const FIXED = 15;

/**
 * The corners of the pixel grid, half a byte each. A corner is fixed where two outlines pass it in different directions: there
 * regions part or touch. Between fixed corners all outlines that share an edge run together.
 */
export class CornerMap {
  /** Corners in a row. */
  readonly stride: number;
  /** Two corners a byte; bits 0 to 3 of each: the directions in which the first outline left and reached it, or FIXED. */
  readonly #corners: Uint8Array;

  /** Size of the image in pixels; its frame is an outline, too, and its four corners are fixed. */
  constructor(width: number, height: number) {
    this.stride = width + 1;
    this.#corners = new Uint8Array(Math.ceil((this.stride * (height + 1)) / 2));
    const frame: PolygonPoint[] = [
      [0, 0],
      [width, 0],
      [width, height],
      [0, height],
    ];
    this.add(frame);
    for (const [x, y] of frame) this.#set(this.indexOf(x, y), FIXED);
  }

  indexOf(x: number, y: number): number {
    return y * this.stride + x;
  }

  isFixed(corner: number): boolean {
    return this.#at(corner) === FIXED;
  }

  /** From a corner to the next one. */
  step(direction: Direction): number {
    return [1, this.stride, -1, -this.stride][direction];
  }

  /** Enters an outline: a ring of corners along pixel edges. */
  add(ring: readonly PolygonPoint[]): void {
    let before = ring[ring.length - 1];
    let incoming = directionOf(ring[ring.length - 2], before);
    for (const at of ring) {
      const outgoing = directionOf(before, at);
      this.#pass(this.indexOf(before[0], before[1]), incoming, outgoing);
      const step = this.step(outgoing);
      const end = this.indexOf(at[0], at[1]);
      for (let k = this.indexOf(before[0], before[1]) + step; k !== end; k += step) {
        this.#pass(k, outgoing, outgoing);
      }
      [before, incoming] = [at, outgoing];
    }
  }

  #pass(corner: number, incoming: Direction, outgoing: Direction): void {
    const ways = (1 << ((incoming + 2) & 3)) | (1 << outgoing);
    const known = this.#at(corner);
    if (known === 0) this.#set(corner, ways);
    else if (known !== ways) this.#set(corner, FIXED);
  }

  #at(corner: number): number {
    return (this.#corners[corner >>> 1] >> (4 * (corner & 1))) & 15;
  }

  #set(corner: number, value: number): void {
    // Bits are only ever added.
    this.#corners[corner >>> 1] |= value << (4 * (corner & 1));
  }
}

/** Of an edge along the grid. */
export function directionOf([x0, y0]: PolygonPoint, [x1, y1]: PolygonPoint): Direction {
  if (y0 === y1) return x1 > x0 ? 0 : 2;
  return y1 > y0 ? 1 : 3;
}
