import { sourcePositions, stretchRow } from "./bilinear.js";
import { setRun, wordsPerRow } from "./bits.js";

export interface FinishOptions {
  /** Logits above it are foreground; 0 by default. */
  readonly threshold?: number;
  /** The stability score compares the masks at `threshold ± stabilityOffset`; 1 by default, as in the official generator. */
  readonly stabilityOffset?: number;
}

/** Plain data, so that it can be transferred between threads; `new Mask(width, height, words)` wraps it. */
export interface FinishedMask {
  readonly width: number;
  readonly height: number;
  /** Bit-packed in the layout of `Mask`. */
  readonly words: Uint32Array;
  /** Foreground pixels. */
  readonly area: number;
  /** count(> threshold + offset) / count(> threshold − offset) at full size; 0 where the latter is 0. */
  readonly stability: number;
}

/** What is known of a value, or of all values of a cell, before any interpolation. */
const ABOVE = 1;
const BELOW = 2;

/**
 * From low-resolution logits [h, w] (unclamped) to the mask at image size: bilinear with half-pixel centres
 * (PyTorch's `interpolate(mode="bilinear", align_corners=False)`), then `> threshold`, then the stability score.
 *
 * Interpolated values lie between the four logits around them. Where these agree on which side of all three
 * thresholds they are, which is nearly everywhere, whole runs of pixels are settled without interpolation; the
 * full-size logits are never held.
 */
export function finishMask(
  logits: Float32Array,
  h: number,
  w: number,
  width: number,
  height: number,
  { threshold = 0, stabilityOffset = 1 }: FinishOptions = {},
): FinishedMask {
  const high = threshold + stabilityOffset;
  const low = threshold - stabilityOffset;
  const sides = classify(logits, low, high);
  const columns = sourcePositions(w, width);
  const rows = sourcePositions(h, height);

  const stride = wordsPerRow(width);
  const words = new Uint32Array(stride * height);
  let upper = new Float32Array(width);
  let lower = new Float32Array(width);
  let upperRow = -1;
  let lowerRow = -1;
  const runs: Run[] = [];
  let area = 0;
  let aboveHigh = 0;
  let aboveLow = 0;

  for (let y = 0; y < height; y++) {
    const y0 = rows.before[y];
    const y1 = Math.min(y0 + 1, h - 1);
    if (upperRow !== y0 || lowerRow !== y1) {
      if (lowerRow === y0) {
        [upper, lower] = [lower, upper];
      } else {
        stretchRow(logits.subarray(y0 * w, (y0 + 1) * w), columns, upper);
      }
      stretchRow(logits.subarray(y1 * w, (y1 + 1) * w), columns, lower);
      upperRow = y0;
      lowerRow = y1;
      findRuns(sides, y0 * w, y1 * w, columns.before, runs);
    }

    const fraction = rows.fraction[y];
    const rest = 1 - fraction;
    const row = y * stride;
    for (const { start, end, side } of runs) {
      if (side === BELOW) continue;
      if (side === ABOVE) {
        setRun(words, row, start, end);
        area += end - start;
        aboveHigh += end - start;
        aboveLow += end - start;
        continue;
      }
      for (let x = start; x < end; x++) {
        const value = upper[x] * rest + lower[x] * fraction;
        if (value > high) aboveHigh++;
        if (value > low) aboveLow++;
        if (value > threshold) {
          words[row + (x >> 5)] |= 1 << (x & 31);
          area++;
        }
      }
    }
  }
  return { width, height, words, area, stability: aboveLow === 0 ? 0 : aboveHigh / aboveLow };
}

/** A range of columns, start ≤ x < end, and what is known of it; 0: nothing. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly side: number;
}

/** The margin covers the rounding of the interpolation, so that a settled run never differs from a computed one. */
function classify(logits: Float32Array, low: number, high: number): Uint8Array {
  const surelyAbove = high + 1e-5 * (1 + Math.abs(high));
  const surelyBelow = low - 1e-5 * (1 + Math.abs(low));
  const sides = new Uint8Array(logits.length);
  for (let i = 0; i < logits.length; i++) {
    sides[i] = logits[i] > surelyAbove ? ABOVE : logits[i] < surelyBelow ? BELOW : 0;
  }
  return sides;
}

/** Cuts the columns into runs by what the four logits around each say together. `top`, `bottom`: row offsets. */
function findRuns(sides: Uint8Array, top: number, bottom: number, before: Int32Array, runs: Run[]): void {
  const width = before.length;
  const last = (bottom === top ? sides.length : bottom - top) - 1;
  runs.length = 0;
  let start = 0;
  let current = -1;
  for (let x = 0; x < width; x++) {
    const left = before[x];
    const right = Math.min(left + 1, last);
    const side = sides[top + left] & sides[top + right] & sides[bottom + left] & sides[bottom + right];
    if (side === current) continue;
    if (current >= 0) runs.push({ start, end: x, side: current });
    start = x;
    current = side;
  }
  runs.push({ start, end: width, side: current });
}
