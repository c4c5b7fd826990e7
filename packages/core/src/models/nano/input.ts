import { NANO_INPUT_CHANNELS, NANO_STRIDE } from "./image-encoder.js";

/** CIE L*a*b* planes of an image, each [height, width]. */
interface LabImage {
  readonly L: Float32Array;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

export interface NanoInput {
  /** [NANO_INPUT_CHANNELS, height, width] */
  readonly data: Float32Array;
  /** Sides with padding, multiples of NANO_STRIDE. */
  readonly width: number;
  readonly height: number;
}

/**
 * What the nano encoder takes: L / 50 − 1, a / 40, b / 40 and L standardised over the image (mean and standard deviation
 * + 2, so that flat images stay flat), the last row and column repeated up to multiples of NANO_STRIDE.
 */
export function nanoInput(lab: LabImage, width: number, height: number): NanoInput {
  const count = width * height;
  let sum = 0;
  for (const value of lab.L) sum += value;
  const mean = sum / count;
  let square = 0;
  for (const value of lab.L) square += (value - mean) ** 2;
  const spread = Math.sqrt(square / count) + 2;

  const columns = Math.ceil(width / NANO_STRIDE) * NANO_STRIDE;
  const rows = Math.ceil(height / NANO_STRIDE) * NANO_STRIDE;
  const data = new Float32Array(NANO_INPUT_CHANNELS * rows * columns);
  const plane = rows * columns;
  for (let y = 0; y < rows; y++) {
    const row = Math.min(height - 1, y) * width;
    for (let x = 0; x < columns; x++) {
      const from = row + Math.min(width - 1, x);
      const to = y * columns + x;
      data[to] = lab.L[from] / 50 - 1;
      data[plane + to] = lab.a[from] / 40;
      data[2 * plane + to] = lab.b[from] / 40;
      data[3 * plane + to] = (lab.L[from] - mean) / spread;
    }
  }
  return { data, width: columns, height: rows };
}
