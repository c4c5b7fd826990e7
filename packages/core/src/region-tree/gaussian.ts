import { exp } from "./elementary.js";

/** Gaussian blur of a [height, width] plane, kernel cut at 3 σ, edge pixels repeated outwards. */
export function gaussianBlur(
  plane: Float32Array,
  width: number,
  height: number,
  sigma: number,
): Float32Array {
  const radius = Math.ceil(3 * sigma);
  const kernel = gaussianKernel(sigma, radius);
  const rows = new Float32Array(plane.length);
  const padded = new Float32Array(width + 2 * radius);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    padded.fill(plane[row], 0, radius);
    padded.set(plane.subarray(row, row + width), radius);
    padded.fill(plane[row + width - 1], radius + width);
    for (let x = 0; x < width; x++) {
      let sum = kernel[0] * padded[x + radius];
      for (let k = 1; k <= radius; k++) sum += kernel[k] * (padded[x + radius - k] + padded[x + radius + k]);
      rows[row + x] = sum;
    }
  }
  const out = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) out[row + x] = kernel[0] * rows[row + x];
    for (let k = 1; k <= radius; k++) {
      const above = Math.max(0, y - k) * width;
      const below = Math.min(height - 1, y + k) * width;
      const weight = kernel[k];
      for (let x = 0; x < width; x++) out[row + x] += weight * (rows[above + x] + rows[below + x]);
    }
  }
  return out;
}

/** Half of a symmetric kernel, centre first, normalised so that the whole sums to 1. */
function gaussianKernel(sigma: number, radius: number): Float64Array {
  const kernel = new Float64Array(radius + 1);
  let total = 0;
  for (let k = 0; k <= radius; k++) {
    kernel[k] = exp(-(k * k) / (2 * sigma * sigma));
    total += k === 0 ? kernel[k] : 2 * kernel[k];
  }
  return kernel.map((value) => value / total);
}
