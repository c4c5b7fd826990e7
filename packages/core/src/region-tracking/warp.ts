import type { Box, Coverage, LookLevel } from "./look.js";
import { type Similarity, xAfter, yAfter } from "./similarity.js";

/**
 * A picture seen through a motion: pixel (x, y) of `box` is what lies at motion(x, y) of `level` (bilinear; places outside
 * count as the nearest pixel). [box height, box width, 3]
 */
export function sampled(level: LookLevel, motion: Similarity, { x0, y0, x1, y1 }: Box): Float32Array {
  const { width, height, lab } = level;
  const out = new Float32Array(3 * (x1 - x0) * (y1 - y0));
  for (let y = y0, o = 0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const u = clamp(xAfter(motion, x + 0.5, y + 0.5) - 0.5, width - 1);
      const v = clamp(yAfter(motion, x + 0.5, y + 0.5) - 0.5, height - 1);
      const left = u | 0;
      const top = v | 0;
      const fx = u - left;
      const fy = v - top;
      const p = 3 * (top * width + left);
      const right = left + 1 < width ? 3 : 0;
      const below = top + 1 < height ? 3 * width : 0;
      for (let c = 0; c < 3; c++, o++) {
        const upper = lab[p + c] * (1 - fx) + lab[p + right + c] * fx;
        const lower = lab[p + below + c] * (1 - fx) + lab[p + below + right + c] * fx;
        out[o] = upper * (1 - fy) + lower * fy;
      }
    }
  }
  return out;
}

/** Coverage seen through a motion, as `sampled`; outside nothing is covered. [box height, box width] */
export function sampledCoverage(
  coverage: Coverage,
  motion: Similarity,
  { x0, y0, x1, y1 }: Box,
): Float32Array {
  const { width, height, data } = coverage;
  const out = new Float32Array((x1 - x0) * (y1 - y0));
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : data[y * width + x];
  for (let y = y0, o = 0; y < y1; y++) {
    for (let x = x0; x < x1; x++, o++) {
      const u = xAfter(motion, x + 0.5, y + 0.5) - 0.5;
      const v = yAfter(motion, x + 0.5, y + 0.5) - 0.5;
      if (u <= -1 || v <= -1 || u >= width || v >= height) continue;
      const left = Math.floor(u);
      const top = Math.floor(v);
      const fx = u - left;
      const fy = v - top;
      out[o] =
        (at(left, top) * (1 - fx) + at(left + 1, top) * fx) * (1 - fy) +
        (at(left, top + 1) * (1 - fx) + at(left + 1, top + 1) * fx) * fy;
    }
  }
  return out;
}

function clamp(value: number, most: number): number {
  return value < 0 ? 0 : value > most ? most : value;
}
