import { shownValue, UnSAMError } from "../errors.js";
import { type Budget, maskBytes } from "../limits/index.js";
import { lastWordMask, wordsPerRow } from "./bits.js";
import type { Polygon, PolygonPoint } from "./polygons.js";

/**
 * Bits of the pixels whose centres lie in any of the polygons; a polygon's own rings count by the even-odd rule, so
 * the order of their points does not matter. Coordinates may be fractional and may lie outside the image. A centre
 * exactly on an edge belongs to the region to its right (or below, on a horizontal edge).
 * All points are looked at before anything is filled. The budget counts the mask, the bits of each polygon's box, and a
 * word for each row that an edge crosses: a short list of long edges takes time, if not memory. Throws `E_BAD_FILE` for
 * rings that are none, and beyond the budget.
 *
 * An edge crosses a row where it does in either direction, and whatever part of the image is filled, to the last bit:
 * polygons that share edges fill each pixel once. `originX`: the columns to the left of what is filled, where that is a part
 * of an image and coordinates count from its own corner.
 */
export function rasterisePolygons(
  polygons: readonly Polygon[],
  width: number,
  height: number,
  budget: Budget,
  originX = 0,
): Uint32Array {
  if (!Array.isArray(polygons)) throw bad(`Polygons are a list, not ${shownValue(polygons)}.`);
  budget.take(maskBytes(width, height));
  const boxes = (polygons as readonly Polygon[]).map((polygon) =>
    checkPolygon(polygon, width, height, budget),
  );
  const stride = wordsPerRow(width);
  const words = new Uint32Array(stride * height);
  const flips = new Uint32Array(stride * height);
  (polygons as readonly Polygon[]).forEach(({ outer, holes }, k) => {
    for (const ring of [outer, ...holes]) flipEdges(ring, flips, width, height, originX);
    const { top, bottom, first, last } = boxes[k];
    for (let y = top; y < bottom; y++) {
      let inside = 0;
      for (let i = y * stride + first; i <= y * stride + last; i++) {
        const row = prefixParity(flips[i]) ^ inside;
        inside = row >> 31;
        words[i] |= row;
        flips[i] = 0;
      }
      words[(y + 1) * stride - 1] &= lastWordMask(width);
    }
  });
  return words;
}

/** Farther out, the arithmetic of crossings is no longer exact to a pixel. */
const FARTHEST = 1e9;

/** Rows that a polygon may set (the end exclusive), and the first and last word of a row. */
interface PolygonBox {
  readonly top: number;
  readonly bottom: number;
  readonly first: number;
  readonly last: number;
}

/** Checks every point, counts what the polygon takes, and finds its box within the image. */
function checkPolygon(polygon: Polygon, width: number, height: number, budget: Budget): PolygonBox {
  const { outer, holes } = polygon ?? {};
  if (!Array.isArray(holes)) {
    throw bad(`A polygon is { outer, holes }, each a ring of points, not ${shownValue(polygon)}.`);
  }
  const [rows, columns] = [new Span(), new Span()];
  for (const ring of [outer, ...holes]) {
    if (!Array.isArray(ring) || ring.length < 3) {
      throw bad(`A polygon's ring needs at least 3 points, not ${ring?.length ?? "none"}.`);
    }
    let before = checkPoint(ring[ring.length - 1])[1];
    for (const point of ring) {
      const [x, y] = checkPoint(point);
      rows.add(y);
      columns.add(x);
      const { top, bottom } = rowsBetween(before, y, height);
      budget.take(4 * Math.max(0, bottom - top));
      before = y;
    }
  }
  const { top, bottom } = rowsBetween(rows.least, rows.most, height);
  const column = (x: number) => Math.min(width - 1, Math.max(0, Math.floor(x))) >> 5;
  // One to each side of the points' own columns, for crossings that were rounded.
  const [first, last] = [column(columns.least - 1), column(columns.most + 1)];
  budget.take(4 * Math.max(0, bottom - top) * (last - first + 1));
  return { top, bottom, first, last };
}

class Span {
  least = Number.POSITIVE_INFINITY;
  most = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    if (value < this.least) this.least = value;
    if (value > this.most) this.most = value;
  }
}

function checkPoint(point: PolygonPoint): PolygonPoint {
  const sound =
    Array.isArray(point) &&
    point.length === 2 &&
    point.every((side) => typeof side === "number" && Math.abs(side) <= FARTHEST);
  if (sound) return point;
  throw bad(`A polygon has the point ${shownValue(point)}; points are [x, y] in pixels.`);
}

/** The rows of the image whose centres lie between two heights, the end exclusive. */
function rowsBetween(y0: number, y1: number, height: number): { top: number; bottom: number } {
  return {
    top: Math.max(Math.ceil(Math.min(y0, y1) - 0.5), 0),
    bottom: Math.min(Math.ceil(Math.max(y0, y1) - 0.5), height),
  };
}

/** For each row a ring crosses, flips the bit of the first pixel whose centre is to the right of the crossing. */
function flipEdges(
  ring: readonly PolygonPoint[],
  flips: Uint32Array,
  width: number,
  height: number,
  originX: number,
): void {
  const stride = wordsPerRow(width);
  let before = ring[ring.length - 1];
  for (const at of ring) {
    // From its upper end, whichever way the ring runs, so that both ways are rounded alike.
    const [[x0, y0], [x1, y1]] = before[1] <= at[1] ? [before, at] : [at, before];
    const { top, bottom } = rowsBetween(y0, y1, height);
    for (let y = top; y < bottom; y++) {
      const crossing = originX + x0 + ((y + 0.5 - y0) / (y1 - y0)) * (x1 - x0);
      const x = Math.max(Math.ceil(crossing - 0.5) - originX, 0);
      if (x < width) flips[y * stride + (x >> 5)] ^= 1 << (x & 31);
    }
    before = at;
  }
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", message);
}

/** Bit i of the result is the parity of the bits 0 … i. */
function prefixParity(word: number): number {
  let parity = word ^ (word << 1);
  parity ^= parity << 2;
  parity ^= parity << 4;
  parity ^= parity << 8;
  return parity ^ (parity << 16);
}
