import { lowestBit, wordsPerRow } from "./bits.js";
import { findComponents } from "./components.js";

/** A corner of the pixel grid: pixel (x, y) covers x … x + 1, y … y + 1. */
export type PolygonPoint = readonly [x: number, y: number];

/** One region: its outline and the outlines of its holes, each without its first point repeated at the end. */
export interface Polygon {
  /** Clockwise as seen on the screen (y grows downwards). */
  readonly outer: readonly PolygonPoint[];
  /** Counter-clockwise. */
  readonly holes: readonly (readonly PolygonPoint[])[];
}

/**
 * The exact outlines of a bit-packed mask along pixel edges, one polygon per 4-connected region in the order of
 * their first pixels. Points are corners only (no three in a line). No ring meets itself: where a region touches
 * itself corner to corner, its ring is cut there, so that rings share at most single points, as the OGC simple
 * feature rules (and GeoJSON) allow.
 */
export function tracePolygons(words: Uint32Array, width: number, height: number): Polygon[] {
  const { runs, ofRun, areas } = findComponents(words, width, height, 4);
  const polygons = Array.from(areas, () => ({
    outer: [] as PolygonPoint[],
    holes: [] as PolygonPoint[][],
  }));
  const tracer = new Tracer(words, width, height);
  // Every ring runs along the top of some pixel from left to right, so these edges find them all.
  for (let y = 0; y < height; y++) {
    for (let run = runs.rowStart[y]; run < runs.rowStart[y + 1]; run++) {
      const polygon = polygons[ofRun[run]];
      const end = runs.end[run];
      for (let x = tracer.nextStart(runs.start[run], end, y); x < end; x = tracer.nextStart(x, end, y)) {
        for (const ring of tracer.trace(x, y)) {
          if (isClockwise(ring)) polygon.outer = ring;
          else polygon.holes.push(ring);
        }
      }
    }
  }
  return polygons;
}

/** Directions in the order of right turns: right, down, left, up. */
const DX = [1, 0, -1, 0];
const DY = [0, 1, 0, -1];
/** The pixels ahead of a corner, to the right and to the left of the direction of travel, relative to the corner. */
const RIGHT_X = [0, -1, -1, 0];
const RIGHT_Y = [0, 0, -1, -1];
const LEFT_X = [0, 0, -1, -1];
const LEFT_Y = [-1, 0, 0, -1];

/** Walks along pixel edges with foreground to the right. */
class Tracer {
  readonly #words: Uint32Array;
  readonly #width: number;
  readonly #height: number;
  readonly #stride: number;
  /** Bit per pixel: the walk along its top edge is done. */
  readonly #walked: Uint32Array;

  constructor(words: Uint32Array, width: number, height: number) {
    this.#words = words;
    this.#width = width;
    this.#height = height;
    this.#stride = wordsPerRow(width);
    this.#walked = new Uint32Array(words.length);
  }

  /** The first of the foreground pixels x … end − 1 of row y whose top edge is on a ring not yet traced, else `end`. */
  nextStart(x: number, end: number, y: number): number {
    const row = y * this.#stride;
    for (let k = x >> 5; k * 32 < end; k++) {
      const above = y === 0 ? 0 : this.#words[row - this.#stride + k];
      let open = this.#words[row + k] & ~above & ~this.#walked[row + k];
      if (k === x >> 5) open &= 0xffffffff << (x & 31);
      if (open !== 0) return Math.min(k * 32 + lowestBit(open), end);
    }
    return end;
  }

  /** The rings of the closed walk that starts along the top edge of pixel (x, y). */
  trace(startX: number, startY: number): PolygonPoint[][] {
    const rings: PolygonPoint[][] = [];
    const corners: PolygonPoint[] = [];
    // Corners that the walk may pass twice, with their place in `corners`.
    const crossings = new Map<number, number>();
    let x = startX;
    let y = startY;
    let direction = 0;
    do {
      if (direction === 0) this.#walked[y * this.#stride + (x >> 5)] |= 1 << (x & 31);
      x += DX[direction];
      y += DY[direction];
      const left = this.#isSet(x + LEFT_X[direction], y + LEFT_Y[direction]);
      if (!this.#isSet(x + RIGHT_X[direction], y + RIGHT_Y[direction])) {
        direction = (direction + 1) & 3;
        if (left) {
          // Two foreground pixels meet corner to corner: stay with ours, and cut off the loop if we were here.
          const key = y * (this.#width + 1) + x;
          const before = crossings.get(key);
          if (before !== undefined) {
            const loop = corners.splice(before);
            for (const [cornerX, cornerY] of loop) crossings.delete(cornerY * (this.#width + 1) + cornerX);
            rings.push(loop);
          }
          crossings.set(key, corners.length);
        }
        corners.push([x, y]);
      } else if (left) {
        direction = (direction + 3) & 3;
        corners.push([x, y]);
      }
    } while (x !== startX || y !== startY || direction !== 0);
    rings.push(corners);
    return rings;
  }

  #isSet(x: number, y: number): boolean {
    if (x < 0 || y < 0 || x >= this.#width || y >= this.#height) return false;
    return ((this.#words[y * this.#stride + (x >> 5)] >>> (x & 31)) & 1) === 1;
  }
}

/** By the sign of the area (shoelace formula). */
function isClockwise(ring: readonly PolygonPoint[]): boolean {
  let twice = 0;
  let [x, y] = ring[ring.length - 1];
  for (const [nextX, nextY] of ring) {
    twice += x * nextY - nextX * y;
    x = nextX;
    y = nextY;
  }
  return twice > 0;
}
