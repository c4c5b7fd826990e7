import type { PolygonPoint } from "../mask/index.js";
import { type CornerMap, directionOf } from "./corner-map.js";

/** A part of a ring: 2 · its arc, + 1 where the ring runs along it backwards. */
export type ArcUse = number;

/**
 * Outlines cut at fixed corners into arcs, each kept once however many regions it bounds. An arc's ends are fixed corners;
 * of a ring that has none, both are its first corner in reading order.
 */
export class ArcTable {
  readonly #corners: CornerMap;
  /** By the half-edge that leaves an end: 4 · corner + direction. */
  readonly #byEnd = new Map<number, ArcUse>();
  /** The vertices of all arcs, arc after arc. */
  readonly #xs: number[] = [];
  readonly #ys: number[] = [];
  readonly #starts: number[] = [0];

  /** All outlines have been added to `corners` before. */
  constructor(corners: CornerMap) {
    this.#corners = corners;
  }

  /** The arcs that a ring runs along. */
  add(ring: readonly PolygonPoint[]): ArcUse[] {
    const vertices = this.#fromFixed(this.#withFixed(ring));
    const uses: ArcUse[] = [];
    let arc = [vertices[0]];
    for (let k = 1; k <= vertices.length; k++) {
      const vertex = vertices[k % vertices.length];
      arc.push(vertex);
      if (k < vertices.length && !this.#isFixed(vertex)) continue;
      uses.push(this.#use(arc));
      arc = [vertex];
    }
    return uses;
  }

  get vertices(): ArcVertices {
    return {
      xs: Int32Array.from(this.#xs),
      ys: Int32Array.from(this.#ys),
      starts: Int32Array.from(this.#starts),
    };
  }

  #isFixed([x, y]: PolygonPoint): boolean {
    return this.#corners.isFixed(this.#corners.indexOf(x, y));
  }

  /** With the fixed corners in the middle of straight edges, too. */
  #withFixed(ring: readonly PolygonPoint[]): PolygonPoint[] {
    const all: PolygonPoint[] = [];
    const { stride } = this.#corners;
    let before = ring[ring.length - 1];
    for (const at of ring) {
      all.push(before);
      const step = this.#corners.step(directionOf(before, at));
      const end = this.#corners.indexOf(at[0], at[1]);
      for (let k = this.#corners.indexOf(before[0], before[1]) + step; k !== end; k += step) {
        if (this.#corners.isFixed(k)) all.push([k % stride, Math.floor(k / stride)]);
      }
      before = at;
    }
    return all;
  }

  /** The ring beginning at a fixed corner; without one at its first in reading order, which all that share the ring have. */
  #fromFixed(ring: readonly PolygonPoint[]): PolygonPoint[] {
    let first = ring.findIndex((vertex) => this.#isFixed(vertex));
    if (first < 0) {
      const indices = ring.map(([x, y]) => this.#corners.indexOf(x, y));
      first = indices.reduce((best, index, k) => (index < indices[best] ? k : best), 0);
    }
    return [...ring.slice(first), ...ring.slice(0, first)];
  }

  #use(arc: readonly PolygonPoint[]): ArcUse {
    const known = this.#byEnd.get(this.#halfEdge(arc[0], arc[1]));
    if (known !== undefined) return known;
    const use = 2 * (this.#starts.length - 1);
    for (const [x, y] of arc) {
      this.#xs.push(x);
      this.#ys.push(y);
    }
    this.#starts.push(this.#xs.length);
    this.#byEnd.set(this.#halfEdge(arc[0], arc[1]), use);
    this.#byEnd.set(this.#halfEdge(arc[arc.length - 1], arc[arc.length - 2]), use + 1);
    return use;
  }

  #halfEdge(from: PolygonPoint, to: PolygonPoint): number {
    return 4 * this.#corners.indexOf(from[0], from[1]) + directionOf(from, to);
  }
}

/** Vertices of arcs, arc after arc; arc k has those from starts[k] to before starts[k + 1], both ends included. */
export interface ArcVertices {
  readonly xs: Int32Array;
  readonly ys: Int32Array;
  readonly starts: Int32Array;
}
