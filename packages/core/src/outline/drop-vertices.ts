import type { Abortable } from "../abortable.js";
import { lowestBit } from "../mask/index.js";
import type { ArcVertices } from "./arcs.js";

/** Twice the area of the triangles that the first rounds cut off, pixels²; the rounds after them cut off any. */
const GENTLE_ROUNDS = 16;
/** Vertices between two looks at the signal. */
const PER_LOOK = 4096;

/**
 * Which vertices of the arcs stay where as many as can are dropped: 1 for each that does.
 *
 * An arc's line stays within `bound` of its vertices, and so they of it (Hausdorff distance). A vertex is dropped only where
 * no other vertex lies in the triangle that is cut off, its edges included (the rule of coverage simplification in JTS and
 * PostGIS): no line can then come to cross, touch or pass another one, so what was on one side of a line stays there. Ends
 * of arcs stay, a ring keeps three corners, and no two arcs become one line. Small triangles go first (Visvalingam and
 * Whyatt 1993); of neighbours only every second in a round, so that chains are halved from round to round.
 */
export function dropVertices(
  arcs: ArcVertices,
  size: { readonly width: number; readonly height: number },
  bound: number,
  signal?: Abortable,
): Uint8Array {
  const lines = new Lines(arcs, size, bound);
  for (let round = 0; ; round++) {
    const most = round < GENTLE_ROUNDS ? 2 ** round : Number.POSITIVE_INFINITY;
    if (lines.round(most, signal) === 0 && round >= GENTLE_ROUNDS) return lines.stays;
  }
}

class Lines {
  readonly stays: Uint8Array;
  readonly #arcs: ArcVertices;
  readonly #squaredBound: number;
  /** Of vertices that stay: the ones before and behind on their arc. */
  readonly #before: Int32Array;
  readonly #behind: Int32Array;
  readonly #places: Places;
  /** Arcs that are one straight line between two fixed corners, by these. */
  readonly #straight = new Set<string>();

  constructor(
    arcs: ArcVertices,
    { width, height }: { readonly width: number; readonly height: number },
    bound: number,
  ) {
    const { xs, ys, starts } = arcs;
    this.#arcs = arcs;
    this.#squaredBound = bound * bound;
    this.stays = new Uint8Array(xs.length).fill(1);
    this.#before = Int32Array.from(xs, (_, k) => k - 1);
    this.#behind = Int32Array.from(xs, (_, k) => k + 1);
    this.#places = new Places(width + 1, height + 1);
    xs.forEach((x, k) => {
      this.#places.set(x, ys[k], true);
    });
    for (let arc = 0; arc + 1 < starts.length; arc++) {
      if (starts[arc + 1] - starts[arc] === 2) this.#straight.add(this.#endsOf(arc));
    }
  }

  /** Drops vertices whose triangle has at most `most` of twice the area; says how many. */
  round(most: number, signal?: Abortable): number {
    const { starts } = this.#arcs;
    let dropped = 0;
    let seen = 0;
    for (let arc = 0; arc + 1 < starts.length; arc++) {
      const end = starts[arc + 1] - 1;
      for (let k = this.#behind[starts[arc]]; k < end; k = this.#behind[k]) {
        if (++seen % PER_LOOK === 0) signal?.throwIfAborted();
        if (!this.#canDrop(arc, k, most)) continue;
        this.#drop(arc, k);
        dropped++;
        // Its neighbour is left for the next round.
        k = this.#behind[k];
        if (k >= end) break;
      }
    }
    return dropped;
  }

  #canDrop(arc: number, k: number, most: number): boolean {
    const { xs, ys, starts } = this.#arcs;
    const [a, b] = [this.#before[k], this.#behind[k]];
    const twice = Math.abs((xs[k] - xs[a]) * (ys[b] - ys[a]) - (ys[k] - ys[a]) * (xs[b] - xs[a]));
    if (twice > most) return false;
    const [first, last] = [starts[arc], starts[arc + 1] - 1];
    const isWhole = a === first && b === last;
    const isClosed = xs[first] === xs[last] && ys[first] === ys[last];
    // With a corner less a ring of three would be a line.
    if (isClosed && this.#isTriangle(first, last)) return false;
    if (isWhole && this.#straight.has(this.#endsOf(arc))) return false;
    return this.#isWithinBound(a, b) && !this.#holdsVertex(a, k, b);
  }

  #isTriangle(first: number, last: number): boolean {
    const second = this.#behind[first];
    return this.#behind[this.#behind[second]] === last;
  }

  #drop(arc: number, k: number): void {
    const { xs, ys, starts } = this.#arcs;
    const [a, b] = [this.#before[k], this.#behind[k]];
    this.#behind[a] = b;
    this.#before[b] = a;
    this.stays[k] = 0;
    this.#places.set(xs[k], ys[k], false);
    if (a === starts[arc] && b === starts[arc + 1] - 1) this.#straight.add(this.#endsOf(arc));
  }

  /** Whether all vertices that the line from a to b stands for lie within the bound of it. */
  #isWithinBound(a: number, b: number): boolean {
    const { xs, ys } = this.#arcs;
    const [dx, dy] = [xs[b] - xs[a], ys[b] - ys[a]];
    const squared = dx * dx + dy * dy;
    for (let k = a + 1; k < b; k++) {
      const [px, py] = [xs[k] - xs[a], ys[k] - ys[a]];
      const along = squared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
      const [ex, ey] = [px - along * dx, py - along * dy];
      if (ex * ex + ey * ey > this.#squaredBound) return false;
    }
    return true;
  }

  /** Whether a vertex that stays, other than the three, lies in their triangle or on its edges. */
  #holdsVertex(a: number, k: number, b: number): boolean {
    const { xs, ys } = this.#arcs;
    const corners = [a, k, b].map((i) => [xs[i], ys[i]] as const);
    const isCorner = (x: number, y: number) => corners.some(([cx, cy]) => cx === x && cy === y);
    const top = Math.min(ys[a], ys[k], ys[b]);
    const bottom = Math.max(ys[a], ys[k], ys[b]);
    for (let y = top; y <= bottom; y++) {
      const [from, to] = spanOf(corners, y);
      const isOther = (x: number) => !isCorner(x, y) && isInside(corners, x, y);
      if (this.#places.some(y, from, to, isOther)) return true;
    }
    return false;
  }

  #endsOf(arc: number): string {
    const { xs, ys, starts } = this.#arcs;
    const [first, last] = [starts[arc], starts[arc + 1] - 1];
    const ends = [`${xs[first]},${ys[first]}`, `${xs[last]},${ys[last]}`];
    return ends.sort().join(" ");
  }
}

type Corners = readonly (readonly [x: number, y: number])[];

/** Columns that hold a triangle's corners of the grid in a row, or one more to each side. */
function spanOf(corners: Corners, y: number): [from: number, to: number] {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < 3; i++) {
    const [x0, y0] = corners[i];
    const [x1, y1] = corners[(i + 1) % 3];
    if (y < Math.min(y0, y1) || y > Math.max(y0, y1)) continue;
    const ends = y0 === y1 ? [x0, x1] : [x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)];
    from = Math.min(from, ...ends);
    to = Math.max(to, ...ends);
  }
  return [Math.floor(from), Math.ceil(to)];
}

/** Also on an edge. All numbers are whole, so nothing is rounded. */
function isInside(corners: Corners, x: number, y: number): boolean {
  let [left, right] = [false, false];
  for (let i = 0; i < 3; i++) {
    const [x0, y0] = corners[i];
    const [x1, y1] = corners[(i + 1) % 3];
    const side = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0);
    left ||= side < 0;
    right ||= side > 0;
  }
  return !(left && right);
}

/** The corners of the pixel grid where vertices are, a bit each. */
class Places {
  readonly #stride: number;
  readonly #words: Uint32Array;

  constructor(columns: number, rows: number) {
    this.#stride = (columns + 31) >> 5;
    this.#words = new Uint32Array(this.#stride * rows);
  }

  set(x: number, y: number, isThere: boolean): void {
    const k = y * this.#stride + (x >> 5);
    if (isThere) this.#words[k] |= 1 << (x & 31);
    else this.#words[k] &= ~(1 << (x & 31));
  }

  /** Whether one of the vertices in a row, in columns from … to, is such. */
  some(y: number, from: number, to: number, isSuch: (x: number) => boolean): boolean {
    for (let k = Math.max(0, from) >> 5; k <= Math.min(to >> 5, this.#stride - 1); k++) {
      for (let word = this.#words[y * this.#stride + k]; word !== 0; word &= word - 1) {
        const x = 32 * k + lowestBit(word);
        if (x >= from && x <= to && isSuch(x)) return true;
      }
    }
    return false;
  }
}
