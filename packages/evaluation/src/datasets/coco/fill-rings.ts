import { Mask, popcount, wordsPerRow } from "@unsam/core/mask";

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
  const stride = wordsPerRow(width);
  const words = new Uint32Array(stride * height);
  const part = fillPart(rings, width, height);
  for (let row = 0; row < part.rows; row++) {
    const from = row * part.stride;
    words.set(part.words.subarray(from, from + part.stride), (part.top + row) * stride + part.left);
  }
  return new Mask(width, height, words);
}

/** Pixels that `fillRings` fills, without making a mask of the whole image. */
export function areaOfRings(rings: readonly (readonly number[])[], width: number, height: number): number {
  return fillPart(rings, width, height).words.reduce((sum, word) => sum + popcount(word), 0);
}

/** The part of a mask that rings can fill: rows from `top`, words of each from `left`. */
interface Part {
  readonly top: number;
  readonly rows: number;
  readonly left: number;
  readonly stride: number;
  /** [rows · stride], in the layout of `Mask`. */
  readonly words: Uint32Array;
}

function fillPart(rings: readonly (readonly number[])[], width: number, height: number): Part {
  const [firstColumn, endColumn] = reach(rings, 0, width);
  const [top, bottom] = reach(rings, 1, height);
  const left = firstColumn >> 5;
  const stride = wordsPerRow(endColumn) - left;
  const part = { top, rows: bottom - top, left, stride };
  const words = new Uint32Array(Math.max(0, stride) * part.rows);
  const flips = new Uint32Array(words.length);
  for (const ring of rings) {
    const corners = ring.map((side) => Math.trunc(SCALE * side + 0.5));
    const count = ring.length >> 1;
    const flip = (x: number, v: number) => {
      const y = rowOf(v, height);
      if (y < height) flips[(y - top) * stride + (x >> 5) - left] ^= 1 << (x & 31);
    };
    for (let k = 0; k < count; k++) {
      const next = (k + 1) % count;
      crossColumns(corners[2 * k], corners[2 * k + 1], corners[2 * next], corners[2 * next + 1], width, flip);
    }
    for (let i = 0; i < flips.length; i++) {
      if (i >= stride) flips[i] ^= flips[i - stride];
      words[i] |= flips[i];
    }
    flips.fill(0);
  }
  return { ...part, stride: Math.max(0, stride), words };
}

/** Columns (`axis` 0) or rows (1) of pixels that rings can fill: first, and behind the last. */
function reach(
  rings: readonly (readonly number[])[],
  axis: 0 | 1,
  size: number,
): [first: number, end: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const ring of rings) {
    for (let k = axis; k < ring.length; k += 2) {
      least = Math.min(least, ring[k]);
      most = Math.max(most, ring[k]);
    }
  }
  const clamp = (at: number) => Math.min(Math.max(at, 0), size);
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
