import { shownValue, UnSAMError } from "../errors.js";
import { type Budget, maskBytes } from "../limits/index.js";
import { lastWordMask, wordsPerRow } from "./bits.js";
import type { Polygon, PolygonPoint } from "./polygons.js";

/**
 * Bits of the pixels whose centres lie in any of the polygons; a polygon's own rings count by the even-odd rule, so
 * the order of their points does not matter. Coordinates may be fractional and may lie outside the image. A centre
 * exactly on an edge belongs to the region to its right (or below, on a horizontal edge).
 * The budget counts the mask, the bits of each polygon's box, and a word for each row that an edge crosses: a short list
 * of long edges takes time, if not memory. Throws `E_BAD_FILE` for rings that are none, and beyond the budget.
 */
export function rasterisePolygons(
  polygons: readonly Polygon[],
  width: number,
  height: number,
  budget: Budget,
): Uint32Array {
  if (!Array.isArray(polygons)) throw bad(`Polygons are a list, not ${shownValue(polygons)}.`);
  budget.take(maskBytes(width, height));
  const stride = wordsPerRow(width);
  const words = new Uint32Array(stride * height);
  const flips = new Uint32Array(stride * height);
  for (const polygon of polygons as readonly Polygon[]) {
    const area = { top: height, bottom: 0, first: stride, last: -1 };
    for (const ring of ringsOf(polygon)) flipEdges(ring, flips, width, height, area, budget);
    const { top, bottom, first, last } = area;
    budget.take(4 * Math.max(0, bottom - top) * Math.max(0, last - first + 1));
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
  }
  return words;
}

function ringsOf(polygon: Polygon): readonly (readonly PolygonPoint[])[] {
  const { outer, holes } = polygon ?? {};
  if (Array.isArray(holes)) return [outer, ...holes];
  throw bad(`A polygon is { outer, holes }, each a ring of points, not ${shownValue(polygon)}.`);
}

/** Farther out, the arithmetic of crossings is no longer exact to a pixel. */
const FARTHEST = 1e9;

/** Rows that were flipped (the end exclusive), and the words of a row from the first flip to where it ends. */
interface FlippedArea {
  top: number;
  bottom: number;
  first: number;
  last: number;
}

/** For each row a ring crosses, flips the bit of the first pixel whose centre is to the right of the crossing. */
function flipEdges(
  ring: readonly PolygonPoint[],
  flips: Uint32Array,
  width: number,
  height: number,
  area: FlippedArea,
  budget: Budget,
): void {
  if (!Array.isArray(ring) || ring.length < 3) {
    throw bad(`A polygon's ring needs at least 3 points, not ${ring?.length ?? "none"}.`);
  }
  const stride = wordsPerRow(width);
  let [x0, y0] = checkPoint(ring[ring.length - 1]);
  for (const point of ring) {
    const [x1, y1] = checkPoint(point);
    const top = Math.max(Math.ceil(Math.min(y0, y1) - 0.5), 0);
    const bottom = Math.min(Math.ceil(Math.max(y0, y1) - 0.5), height);
    if (top < bottom) {
      budget.take(4 * (bottom - top));
      area.top = Math.min(area.top, top);
      area.bottom = Math.max(area.bottom, bottom);
      for (let y = top; y < bottom; y++) {
        const x = Math.max(Math.ceil(x0 + ((y + 0.5 - y0) / (y1 - y0)) * (x1 - x0) - 0.5), 0);
        // What begins before a crossing beyond the right edge reaches to that edge.
        const word = x < width ? x >> 5 : stride - 1;
        if (x < width) flips[y * stride + word] ^= 1 << (x & 31);
        area.first = Math.min(area.first, word);
        area.last = Math.max(area.last, word);
      }
    }
    x0 = x1;
    y0 = y1;
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
