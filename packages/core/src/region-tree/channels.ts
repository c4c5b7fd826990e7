import { gaussianBlur } from "./gaussian.js";
import type { LabPlanes } from "./lab.js";

/** Soft bins per colour axis. */
export const BINS = 8;
/** Colour channels: L, a and b histograms, one after the other. */
export const COLOUR_CHANNELS = 3 * BINS;
/** Two scales of four gradient orientations, and one channel for "flat". */
export const TEXTURE_CHANNELS = 9;
export const CHANNELS = COLOUR_CHANNELS + TEXTURE_CHANNELS;

/** What every pixel looks like, for comparing windows and regions. */
export interface Channels {
  readonly width: number;
  readonly height: number;
  /** Position of L, a, b on their bin axes: 0 … BINS − 1, [3][height · width]. */
  readonly bins: readonly [Float32Array, Float32Array, Float32Array];
  /** [TEXTURE_CHANNELS][height · width], each value in 0…1, all nine summing to 1. */
  readonly texture: readonly Float32Array[];
}

/** Gradient strength at which texture energy reaches one half, in units of L per pixel. */
const TEXTURE_HALF = 3;

export function channelsOf(lab: LabPlanes, width: number, height: number): Channels {
  const smooth = [lab.L, lab.a, lab.b].map((plane) => gaussianBlur(plane, width, height, 1));
  return {
    width,
    height,
    bins: [
      binPositions(smooth[0], 0, 100),
      binPositions(smooth[1], -40, 40),
      binPositions(smooth[2], -40, 40),
    ],
    texture: textureOf(lab.L, smooth[0], width, height),
  };
}

function binPositions(plane: Float32Array, low: number, high: number): Float32Array {
  const scale = (BINS - 1) / (high - low);
  return plane.map((value) => Math.min(BINS - 1, Math.max(0, (value - low) * scale)));
}

/** Energy of the gradient of L along four orientations at σ 1 and 2, saturating; and what is left over: flat. */
function textureOf(L: Float32Array, smooth1: Float32Array, width: number, height: number): Float32Array[] {
  const count = width * height;
  const planes = Array.from({ length: TEXTURE_CHANNELS }, () => new Float32Array(count));
  const half = Math.SQRT1_2;
  [smooth1, gaussianBlur(L, width, height, 2)].forEach((plane, scale) => {
    const [east, southEast, south, southWest] = planes.slice(scale * 4, scale * 4 + 4);
    for (let y = 0; y < height; y++) {
      const above = Math.max(0, y - 1) * width;
      const below = Math.min(height - 1, y + 1) * width;
      for (let x = 0; x < width; x++) {
        const i = y * width + x;
        const gx =
          (plane[y * width + Math.min(width - 1, x + 1)] - plane[y * width + Math.max(0, x - 1)]) / 2;
        const gy = (plane[below + x] - plane[above + x]) / 2;
        const d1 = Math.abs(gx + gy) * half;
        const d2 = Math.abs(gx - gy) * half;
        const h = Math.abs(gx);
        const v = Math.abs(gy);
        east[i] = h / (h + TEXTURE_HALF);
        southEast[i] = d1 / (d1 + TEXTURE_HALF);
        south[i] = v / (v + TEXTURE_HALF);
        southWest[i] = d2 / (d2 + TEXTURE_HALF);
      }
    }
  });
  const flat = planes[8];
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let k = 0; k < 8; k++) sum += planes[k][i];
    // Each of the eight stays below 1, so an eighth of them leaves a positive rest.
    for (let k = 0; k < 8; k++) planes[k][i] /= 8;
    flat[i] = 1 - sum / 8;
  }
  return planes;
}

/** Adds the channels of pixel `i`, times `weight`, to `target[at … at + CHANNELS)`. */
export function addPixel(
  channels: Channels,
  i: number,
  weight: number,
  target: Float32Array | Float64Array,
  at: number,
): void {
  for (let axis = 0; axis < 3; axis++) {
    const position = channels.bins[axis][i];
    const bin = Math.min(BINS - 2, position | 0);
    const upper = (position - bin) * weight;
    target[at + axis * BINS + bin] += weight - upper;
    target[at + axis * BINS + bin + 1] += upper;
  }
  const texture = channels.texture;
  for (let k = 0; k < TEXTURE_CHANNELS; k++) target[at + COLOUR_CHANNELS + k] += weight * texture[k][i];
}

/**
 * χ² difference of the channels [from, to) of two descriptions: ½ Σ (p − q)² / (p + q).
 * 0 for equal, 1 for disjoint distributions that sum to 1.
 */
export function chiSquare(
  p: Float32Array,
  pAt: number,
  q: Float32Array,
  qAt: number,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let k = from; k < to; k++) {
    const a = p[pAt + k];
    const b = q[qAt + k];
    const d = a - b;
    if (d !== 0) sum += (d * d) / (a + b);
  }
  return sum / 2;
}
