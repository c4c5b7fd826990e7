import type { RgbImage } from "./rgb-image.js";

/** Fraction bits of a weight: 8 of 32 are the pixel's, two are spare. */
const PRECISION = 22;
const A = -0.5;

/**
 * An image at another size as Pillow's `resize` makes it by default: bicubic (a = −0.5), antialiased, on 8-bit pixels, columns
 * first and then rows, each rounded to 8 bits. The official video predictor sizes its frames so; image predictors do not.
 *
 * A pure function that takes up to a hundred milliseconds for a large frame: call it in a worker.
 */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  return resizeRows(resizeColumns(image, width), height);
}

interface Taps {
  readonly start: Int32Array;
  readonly size: Int32Array;
  /** [output, count], times 2^PRECISION. */
  readonly weights: Int32Array;
  readonly count: number;
}

function taps(inSize: number, outSize: number): Taps {
  const scale = inSize / outSize;
  const widening = Math.max(scale, 1);
  const support = 2 * widening;
  const count = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(outSize);
  const size = new Int32Array(outSize);
  const weights = new Int32Array(outSize * count);
  for (let i = 0; i < outSize; i++) {
    const centre = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - support + 0.5));
    const to = Math.min(inSize, Math.trunc(centre + support + 0.5));
    const own = Array.from({ length: to - from }, (_, j) => cubic((from + j - centre + 0.5) / widening));
    const total = own.reduce((sum, weight) => sum + weight, 0);
    own.forEach((weight, j) => {
      const scaled = (weight / total) * 2 ** PRECISION;
      weights[i * count + j] = Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    });
    start[i] = from;
    size[i] = to - from;
  }
  return { start, size, weights, count };
}

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * A;
  return 0;
}

function resizeColumns(image: RgbImage, width: number): RgbImage {
  if (width === image.width) return image;
  const { start, size, weights, count } = taps(image.width, width);
  const data = new Uint8Array(width * image.height * 3);
  for (let y = 0; y < image.height; y++) {
    const row = y * image.width * 3;
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 2 ** (PRECISION - 1);
        for (let j = 0; j < size[x]; j++) {
          sum += weights[x * count + j] * image.data[row + (start[x] + j) * 3 + c];
        }
        data[(y * width + x) * 3 + c] = clipped(sum);
      }
    }
  }
  return { data, width, height: image.height };
}

function resizeRows(image: RgbImage, height: number): RgbImage {
  if (height === image.height) return image;
  const { start, size, weights, count } = taps(image.height, height);
  const stride = image.width * 3;
  const data = new Uint8Array(height * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(2 ** (PRECISION - 1));
    for (let j = 0; j < size[y]; j++) {
      const weight = weights[y * count + j];
      const row = (start[y] + j) * stride;
      for (let i = 0; i < stride; i++) sums[i] += weight * image.data[row + i];
    }
    for (let i = 0; i < stride; i++) data[y * stride + i] = clipped(sums[i]);
  }
  return { data, width: image.width, height };
}

function clipped(sum: number): number {
  return Math.min(255, Math.max(0, sum >> PRECISION));
}
