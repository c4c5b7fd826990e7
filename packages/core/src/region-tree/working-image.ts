import { UnSAMError } from "../errors.js";
import { areaCoverage } from "../image/area-average.js";
import type { RgbImage } from "../image/index.js";

/** Longest side in pixels of what is not shrunk. */
const LONGEST = 640;
/** Below this, images are enlarged, at most so many times: things of a few pixels are else smaller than superpixels. */
const SMALL = 512;
const LARGEST_SCALE = 2;

/**
 * The image the tree is built on: larger ones shrunk to `longestSide`, smaller ones enlarged to 512 pixels (or to
 * `longestSide`, where that is less), at most twice. Throws `E_BAD_OPTION`.
 */
export function workingImage(image: RgbImage, options: { readonly longestSide?: number } = {}): RgbImage {
  const longestSide = options.longestSide ?? LONGEST;
  if (!Number.isInteger(longestSide) || longestSide < 16 || longestSide > 4096) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `longestSide is ${longestSide}; it must be a whole number from 16 to 4096.`,
    );
  }
  const least = Math.min(SMALL, longestSide, LARGEST_SCALE * Math.max(image.width, image.height));
  return enlargeImage(shrinkImage(image, longestSide), least);
}

/** `image` itself, or, where its longest side is below `longestSide`, the image at that size (Catmull–Rom). */
export function enlargeImage(image: RgbImage, longestSide: number): RgbImage {
  const { width, height, data } = image;
  const longest = Math.max(width, height);
  if (longest >= longestSide) return image;
  const outWidth = Math.max(1, Math.round((width * longestSide) / longest));
  const outHeight = Math.max(1, Math.round((height * longestSide) / longest));
  const out = new Uint8ClampedArray(outWidth * outHeight * 3);
  const columns = cubicTaps(width, outWidth);
  const rows = cubicTaps(height, outHeight);
  const row = new Float64Array(width * 3);
  for (let y = 0, o = 0; y < outHeight; y++) {
    row.fill(0);
    for (let k = 4 * y; k < 4 * y + 4; k++) {
      const from = rows.source[k] * width * 3;
      for (let i = 0; i < row.length; i++) row[i] += rows.weight[k] * data[from + i];
    }
    for (let x = 0; x < outWidth; x++) {
      for (let c = 0; c < 3; c++, o++) {
        let sum = 0;
        for (let k = 4 * x; k < 4 * x + 4; k++) sum += columns.weight[k] * row[columns.source[k] * 3 + c];
        out[o] = Math.floor(sum + 0.5);
      }
    }
  }
  return { data: new Uint8Array(out.buffer), width: outWidth, height: outHeight };
}

/** For each of `to` pixels the four around its centre among `from` and their weights (Keys 1981, a = −½), [to, 4]. */
function cubicTaps(from: number, to: number) {
  const source = new Int32Array(4 * to);
  const weight = new Float64Array(4 * to);
  for (let t = 0; t < to; t++) {
    const at = ((t + 0.5) * from) / to - 0.5;
    const before = Math.floor(at);
    const f = at - before;
    for (let k = 0; k < 4; k++) {
      source[4 * t + k] = Math.min(from - 1, Math.max(0, before + k - 1));
    }
    weight[4 * t] = ((-f + 2) * f - 1) * f * 0.5;
    weight[4 * t + 1] = ((3 * f - 5) * f * f + 2) * 0.5;
    weight[4 * t + 2] = ((-3 * f + 4) * f + 1) * f * 0.5;
    weight[4 * t + 3] = (f - 1) * f * f * 0.5;
  }
  return { source, weight };
}

/**
 * `image` itself, or, where its longest side exceeds `longestSide`, its area average
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
