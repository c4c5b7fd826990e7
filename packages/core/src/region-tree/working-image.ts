import { areaCoverage } from "../image/area-average.js";
import type { RgbImage } from "../image/index.js";

/**
 * The image the tree is built on: `image` itself, or, where its longest side exceeds `longestSide`, its area average
 * at that size. Sides never fall below one pixel.
 */
export function shrinkImage(image: RgbImage, longestSide: number): RgbImage {
  const { width, height, data } = image;
  const longest = Math.max(width, height);
  if (longest <= longestSide) return image;
  const outWidth = Math.max(1, Math.round((width * longestSide) / longest));
  const outHeight = Math.max(1, Math.round((height * longestSide) / longest));
  const out = new Uint8Array(outWidth * outHeight * 3);
  const columns = areaCoverage(width, outWidth);
  const rows = areaCoverage(height, outHeight);
  // One row of the result at a time: first the weighted sum of the rows below it, then of the columns.
  const sum = new Float32Array(width * 3);
  for (let y = 0; y < outHeight; y++) {
    sum.fill(0);
    for (let k = rows.start[y]; k < rows.start[y + 1]; k++) {
      const weight = rows.weight[k];
      const row = rows.source[k] * width * 3;
      for (let i = 0; i < width * 3; i++) sum[i] += weight * data[row + i];
    }
    for (let x = 0; x < outWidth; x++) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let k = columns.start[x]; k < columns.start[x + 1]; k++) {
        const weight = columns.weight[k];
        const i = columns.source[k] * 3;
        r += weight * sum[i];
        g += weight * sum[i + 1];
        b += weight * sum[i + 2];
      }
      const o = (y * outWidth + x) * 3;
      out[o] = r + 0.5;
      out[o + 1] = g + 0.5;
      out[o + 2] = b + 0.5;
    }
  }
  return { data: out, width: outWidth, height: outHeight };
}
