import type { Tensor } from "../tensor.js";
import type { RgbImage } from "./rgb-image.js";

/** Normalisation of the official image encoder (ImageNet), per channel, for RGB in [0, 1]. */
export const IMAGE_MEAN = [0.485, 0.456, 0.406] as const;
export const IMAGE_STD = [0.229, 0.224, 0.225] as const;

/**
 * The encoder's input: RGB / 255, resized to side × side (the aspect ratio is not kept) bilinearly with antialiasing,
 * normalised; [3, side, side]. As PyTorch's `interpolate(mode="bilinear", antialias=True, align_corners=False)` on
 * float32: a triangle filter, widened by the scale where the image shrinks; rows are resized first, then columns.
 *
 * A pure function that takes up to a few hundred milliseconds for a large photo: call it in a worker.
 */
export function networkInput(image: RgbImage, side: number): Tensor {
  const across = filterTaps(image.width, side);
  const down = filterTaps(image.height, side);
  const plane = side * side;
  const out = new Float32Array(3 * plane);
  const sums = new Float64Array(3 * side);
  // Rows that are already resized, as three planes of `side` values; row y is kept in slot y % down.count.
  const slots = Array.from({ length: down.count }, () => new Float32Array(3 * side));
  let ready = 0;

  for (let y = 0; y < side; y++) {
    const first = down.start[y];
    const size = down.size[y];
    ready = Math.max(ready, first);
    for (; ready < first + size; ready++) {
      resizeRow(image.data, ready * image.width * 3, across, slots[ready % down.count]);
    }
    sums.fill(0);
    for (let j = 0; j < size; j++) {
      const weight = down.weights[y * down.count + j];
      const row = slots[(first + j) % down.count];
      for (let i = 0; i < sums.length; i++) sums[i] += weight * row[i];
    }
    for (let c = 0; c < 3; c++) {
      const scale = 1 / (255 * IMAGE_STD[c]);
      const shift = IMAGE_MEAN[c] / IMAGE_STD[c];
      const target = c * plane + y * side;
      for (let x = 0; x < side; x++) out[target + x] = sums[c * side + x] * scale - shift;
    }
  }
  return { data: out, shape: [3, side, side] };
}

/**
 * One channel [height, width] at another size, bilinear with antialiasing as `networkInput`: columns first, then rows, both
 * in float32.
 */
export function resizePlane(
  data: Float32Array,
  width: number,
  height: number,
  outWidth: number,
  outHeight: number,
): Float32Array {
  const across = filterTaps(width, outWidth);
  const down = filterTaps(height, outHeight);
  const narrow = new Float32Array(height * outWidth);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let j = 0; j < across.size[x]; j++) {
        sum += across.weights[x * across.count + j] * data[y * width + across.start[x] + j];
      }
      narrow[y * outWidth + x] = sum;
    }
  }
  const result = new Float32Array(outHeight * outWidth);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let j = 0; j < down.size[y]; j++) {
        sum += down.weights[y * down.count + j] * narrow[(down.start[y] + j) * outWidth + x];
      }
      result[y * outWidth + x] = sum;
    }
  }
  return result;
}

/** For each output position, which inputs it is the weighted mean of. */
interface FilterTaps {
  /** First input. */
  readonly start: Int32Array;
  /** Number of inputs. */
  readonly size: Int32Array;
  /** [output, count], summing to 1 per output. */
  readonly weights: Float32Array;
  /** Largest number of inputs of any output. */
  readonly count: number;
}

/** In float32, step by step as PyTorch does it: the reference's rounding of positions is part of its result. */
function filterTaps(inSize: number, outSize: number): FilterTaps {
  const f = Math.fround;
  const scale = f(inSize / outSize);
  const support = Math.max(scale, 1);
  const inverse = f(1 / support);
  const count = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(outSize);
  const size = new Int32Array(outSize);
  const weights = new Float32Array(outSize * count);
  for (let i = 0; i < outSize; i++) {
    const center = f(scale * (i + 0.5));
    const from = Math.max(Math.trunc(f(f(center - support) + 0.5)), 0);
    const to = Math.min(Math.trunc(f(f(center + support) + 0.5)), inSize);
    const taps = weights.subarray(i * count, i * count + Math.min(to - from, count));
    let total = 0;
    for (let j = 0; j < taps.length; j++) {
      taps[j] = Math.max(0, 1 - Math.abs(f(f(f(j + from - center) + 0.5) * inverse)));
      total = f(total + taps[j]);
    }
    for (let j = 0; j < taps.length; j++) taps[j] /= total;
    start[i] = from;
    size[i] = taps.length;
  }
  return { start, size, weights, count };
}

/** One row of RGB bytes from `offset` on to three planes, still in 0–255. */
function resizeRow(
  rgb: Uint8Array,
  offset: number,
  { start, size, weights, count }: FilterTaps,
  out: Float32Array,
): void {
  const side = start.length;
  for (let x = 0; x < side; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    let i = offset + start[x] * 3;
    const end = x * count + size[x];
    for (let j = x * count; j < end; j++, i += 3) {
      const weight = weights[j];
      red += weight * rgb[i];
      green += weight * rgb[i + 1];
      blue += weight * rgb[i + 2];
    }
    out[x] = red;
    out[side + x] = green;
    out[2 * side + x] = blue;
  }
}
