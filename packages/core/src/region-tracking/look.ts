import type { RgbImage } from "../image/rgb-image.js";
import type { Mask } from "../mask/mask.js";
import { labPlanes } from "../region-tree/lab.js";
import { shrinkImage } from "../region-tree/working-image.js";

/** Longest side of what motion is looked for in, pixels. */
const LOOK_SIDE = 320;
/** The coarsest level is not smaller than that. */
const LEAST_SIDE = 12;
const MOST_LEVELS = 5;

/** Steps for one unit of Lab: colours are kept as bytes. */
const LAB_STEPS = 1.5;

/** A picture at one size: L, a and b of each pixel in steps of ⅔ unit, a and b around 128, [height, width, 3]. */
export interface LookLevel {
  readonly width: number;
  readonly height: number;
  readonly lab: Uint8Array;
}

/** What is kept of a frame to find motion: its colours at falling sizes, each level half as large as the one before. */
export interface FrameLook {
  readonly levels: readonly LookLevel[];
}

export function lookOf(image: RgbImage): FrameLook {
  const small = shrinkImage(image, LOOK_SIDE);
  const { width, height } = small;
  const { L, a, b } = labPlanes(small);
  const lab = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    lab[3 * i] = byte(L[i] * LAB_STEPS);
    lab[3 * i + 1] = byte(a[i] * LAB_STEPS + 128);
    lab[3 * i + 2] = byte(b[i] * LAB_STEPS + 128);
  }
  const levels: LookLevel[] = [{ width, height, lab }];
  while (levels.length < MOST_LEVELS) {
    const last = levels[levels.length - 1];
    if (Math.min(last.width, last.height) < 2 * LEAST_SIDE) break;
    levels.push(halved(last));
  }
  return { levels };
}

export function lookBytes({ levels }: FrameLook): number {
  return levels.reduce((sum, { lab }) => sum + lab.byteLength, 0);
}

function byte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}

/** Means of 2 × 2 pixels; an odd last row or column is left out. */
function halved({ width, height, lab }: LookLevel): LookLevel {
  const w = width >> 1;
  const h = height >> 1;
  const out = new Uint8Array(3 * w * h);
  for (let y = 0, o = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const top = 3 * (2 * y * width + 2 * x);
      const bottom = top + 3 * width;
      for (let c = 0; c < 3; c++, o++) {
        out[o] = (lab[top + c] + lab[top + 3 + c] + lab[bottom + c] + lab[bottom + 3 + c] + 2) >> 2;
      }
    }
  }
  return { width: w, height: h, lab: out };
}

/** How much of each pixel of a plane is covered, 0 … 1, [height, width]. */
export interface Coverage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** A mask at the size of a look. */
export function coverageOf(mask: Mask, { width, height }: LookLevel): Coverage {
  const data = new Float32Array(width * height);
  const counts = new Float32Array(width * height);
  const column = Int32Array.from({ length: mask.width }, (_, x) =>
    Math.floor(((x + 0.5) * width) / mask.width),
  );
  for (let y = 0; y < mask.height; y++) {
    const row = Math.floor(((y + 0.5) * height) / mask.height) * width;
    for (let x = 0; x < mask.width; x++) {
      const at = row + column[x];
      counts[at]++;
      if ((mask.words[y * mask.stride + (x >> 5)] >>> (x & 31)) & 1) data[at]++;
    }
  }
  for (let i = 0; i < data.length; i++) data[i] /= Math.max(1, counts[i]);
  return { width, height, data };
}

/** The coverage at each level of a look. */
export function coverageLevels(finest: Coverage, levels: readonly LookLevel[]): Coverage[] {
  const all = [finest];
  for (const { width, height } of levels.slice(1)) {
    const last = all[all.length - 1];
    const data = new Float32Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const top = 2 * y * last.width + 2 * x;
        const bottom = top + last.width;
        data[y * width + x] =
          (last.data[top] + last.data[top + 1] + last.data[bottom] + last.data[bottom + 1]) / 4;
      }
    }
    all.push({ width, height, data });
  }
  return all;
}

export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** The box around what is covered at least so much, ends excluded; null: nothing is. */
export function boxOf({ width, height, data }: Coverage, least = 0.5): Box | null {
  let x0 = width;
  let y0 = height;
  let x1 = 0;
  let y1 = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (data[i] < least) continue;
      if (x < x0) x0 = x;
      if (y < y0) y0 = y;
      if (x >= x1) x1 = x + 1;
      if (y >= y1) y1 = y + 1;
    }
  }
  return x1 > x0 ? { x0, y0, x1, y1 } : null;
}

export function areaOf({ data }: Coverage): number {
  let sum = 0;
  for (const share of data) sum += share;
  return sum;
}
