import { UnSAMError } from "../errors.js";
import { lastWordMask, wordsPerRow } from "./bits.js";
import type { Polygon, PolygonPoint } from "./polygons.js";

/**
 * Bits of the pixels whose centres lie in any of the polygons; a polygon's own rings count by the even-odd rule, so
 * the order of their points does not matter. Coordinates may be fractional and may lie outside the image. A centre
 * exactly on an edge belongs to the region to its right (or below, on a horizontal edge).
 * Throws `E_BAD_FILE` for rings that are none.
 */
export function rasterisePolygons(polygons: readonly Polygon[], width: number, height: number): Uint32Array {
  const stride = wordsPerRow(width);
  const words = new Uint32Array(stride * height);
  const flips = new Uint32Array(stride * height);
  for (const { outer, holes } of polygons) {
    const area = { top: height, bottom: 0 };
    for (const ring of [outer, ...holes]) flipEdges(ring, flips, width, height, area);
    for (let y = area.top; y < area.bottom; y++) {
      let inside = 0;
      for (let i = y * stride; i < (y + 1) * stride; i++) {
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

/** Farther out, the arithmetic of crossings is no longer exact to a pixel. */
const FARTHEST = 1e9;

/** For each row a ring crosses, flips the bit of the first pixel whose centre is to the right of the crossing. */
function flipEdges(
  ring: readonly PolygonPoint[],
  flips: Uint32Array,
  width: number,
  height: number,
  area: { top: number; bottom: number },
): void {
  if (!Array.isArray(ring) || ring.length < 3) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `A polygon's ring needs at least 3 points, not ${ring?.length ?? "none"}.`,
    );
  }
  const stride = wordsPerRow(width);
  let [x0, y0] = checkPoint(ring[ring.length - 1]);
  for (const point of ring) {
    const [x1, y1] = checkPoint(point);
    const top = Math.max(Math.ceil(Math.min(y0, y1) - 0.5), 0);
    const bottom = Math.min(Math.ceil(Math.max(y0, y1) - 0.5), height);
    if (top < bottom) {
      area.top = Math.min(area.top, top);
      area.bottom = Math.max(area.bottom, bottom);
      for (let y = top; y < bottom; y++) {
        const x = Math.max(Math.ceil(x0 + ((y + 0.5 - y0) / (y1 - y0)) * (x1 - x0) - 0.5), 0);
        if (x < width) flips[y * stride + (x >> 5)] ^= 1 << (x & 31);
      }
    }
    x0 = x1;
    y0 = y1;
  }
}

function checkPoint(point: PolygonPoint): PolygonPoint {
  if (!Array.isArray(point) || point.length !== 2 || !point.every((side) => Math.abs(side) <= FARTHEST)) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `A polygon has the point ${JSON.stringify(point)}; points are [x, y] in pixels.`,
    );
  }
  return point as unknown as PolygonPoint;
}

/** Bit i of the result is the parity of the bits 0 … i. */
function prefixParity(word: number): number {
  let parity = word ^ (word << 1);
  parity ^= parity << 2;
  parity ^= parity << 4;
  parity ^= parity << 8;
  return parity ^ (parity << 16);
}
