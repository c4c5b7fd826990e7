import { Mask } from "@unsam/core/mask";

/** Corners are rounded to fifths of a pixel. */
const SCALE = 5;

/**
 * The union of rings as COCO's own tools fill them (pycocotools, `rleFrPoly`), pixel for pixel: corners are rounded to
 * fifths of a pixel and joined by straight lines of whole steps; where a line passes the middle of a column of pixels,
 * the column's pixels from there on downwards are flipped. A ring: x0, y0, x1, y1, …
 *
 * COCO's tools walk every step of a line. Only the steps into the middle of a column matter, so each is reckoned
 * directly, and a line takes as long as the image is wide, however far outside its ends lie. Numbers are doubles, as
 * there, and operations are in the same order: the roundings agree.
 */
export function fillRings(rings: readonly (readonly number[])[], width: number, height: number): Mask {
  const stride = Math.ceil(width / 32);
  const union = new Uint32Array(stride * height);
  const flips = new Uint32Array(stride * height);
  for (const ring of rings) {
    const corners = ring.map((side) => Math.trunc(SCALE * side + 0.5));
    const count = ring.length >> 1;
    const flip = (x: number, v: number) => {
      const y = rowOf(v, height);
      if (y < height) flips[y * stride + (x >> 5)] ^= 1 << (x & 31);
    };
    for (let k = 0; k < count; k++) {
      const next = (k + 1) % count;
      crossColumns(corners[2 * k], corners[2 * k + 1], corners[2 * next], corners[2 * next + 1], width, flip);
    }
    const [top, bottom] = rowsOf(ring, height);
    for (let i = top * stride; i < bottom * stride; i++) {
      if (i >= (top + 1) * stride) flips[i] ^= flips[i - stride];
      union[i] |= flips[i];
    }
    flips.fill(0, top * stride, bottom * stride);
  }
  return new Mask(width, height, union);
}

/** Rows of pixels that a ring can flip. */
function rowsOf(ring: readonly number[], height: number): [top: number, bottom: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let k = 1; k < ring.length; k += 2) {
    least = Math.min(least, ring[k]);
    most = Math.max(most, ring[k]);
  }
  const clamp = (y: number) => Math.min(Math.max(y, 0), height);
  return [clamp(Math.floor(least) - 1), clamp(Math.ceil(most) + 2)];
}

/** First row of pixels at or below a height in fifths. */
function rowOf(v: number, height: number): number {
  const y = (v + 0.5) / SCALE - 0.5;
  return Math.ceil(Math.min(Math.max(y, 0), height));
}

/** Tells of each column of pixels whose middle the line passes, and the upper of its two heights there, in fifths. */
function crossColumns(
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  width: number,
  cross: (column: number, v: number) => void,
): void {
  const flat = Math.abs(x1 - x0) >= Math.abs(y1 - y0);
  // Lines are walked rightwards, or downwards where they are steep, so that both directions give the same steps.
  const [xs, ys, xe, ye] = (flat ? x0 > x1 : y0 > y1) ? [x1, y1, x0, y0] : [x0, y0, x1, y1];
  const [left, right] = [Math.min(xs, xe), Math.max(xs, xe)];
  // The middle of column c is passed between 5c + 2 and 5c + 3.
  const first = Math.max(0, Math.ceil((left - 2) / SCALE));
  const last = Math.min(width - 1, Math.floor((right - 3) / SCALE));
  if (flat) {
    const slope = (ye - ys) / (xe - xs);
    const heightAt = (u: number) => Math.trunc(ys + slope * (u - xs) + 0.5);
    for (let column = first; column <= last; column++) {
      const u = SCALE * column + 2;
      cross(column, Math.min(heightAt(u), heightAt(u + 1)));
    }
    return;
  }
  const slope = (xe - xs) / (ye - ys);
  const columnAt = (step: number) => Math.trunc(xs + slope * step + 0.5);
  for (let column = first; column <= last; column++) {
    const u = SCALE * column + 2;
    const passed = (step: number) => (slope > 0 ? columnAt(step) > u : columnAt(step) <= u);
    // The first step on the other side: about where the straight line is, and exactly where its rounding is.
    let step = Math.max(0, Math.min(ye - ys, Math.round((u + 0.5 - xs) / slope)));
    while (step > 0 && passed(step - 1)) step--;
    while (!passed(step)) step++;
    cross(column, ys + step - 1);
  }
}
