import { UnSAMError } from "../errors.js";
import { checkMaskSize, wordsPerRow } from "../mask/index.js";
import { checkCount, type MaskStack } from "./mask-stack.js";

/** Low-resolution logits of several masks, unclamped. */
export interface LogitMaps {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** [count, height, width] */
  readonly data: Float32Array;
}

export interface ThresholdOptions {
  /** Logits above it are foreground; 0 by default. */
  readonly threshold?: number;
  /** The stability score compares the masks at `threshold ± stabilityOffset`; 1 by default, as in the official generator. */
  readonly stabilityOffset?: number;
}

export interface MaskStatistics {
  readonly masks: MaskStack;
  /** Foreground pixels, [count]. */
  readonly areas: Uint32Array;
  /** x0, y0, x1, y1 of the first and last foreground column and row (corners inclusive); zeros for an empty mask. */
  readonly boxes: Int32Array;
  /** count(> threshold + offset) / count(> threshold − offset), 0 where the latter is 0, [count]. */
  readonly stability: Float64Array;
}

/**
 * One pass over K logit maps: masks, areas, boxes and stability scores at their own resolution. A NaN logit is
 * background in all of them. Throws `E_BAD_PROMPT` for wrong shapes and for no maps at all, `E_BAD_OPTION` for
 * thresholds that are no numbers.
 */
export function maskStatistics(maps: LogitMaps, options: ThresholdOptions = {}): MaskStatistics {
  checkLogitMaps(maps);
  const { low, threshold, high } = thresholds(options);
  const { count, height, width, data } = maps;
  const stride = wordsPerRow(width);
  const words = new Uint32Array(count * height * stride);
  const areas = new Uint32Array(count);
  const boxes = new Int32Array(count * 4);
  const stability = new Float64Array(count);
  const columns = new Uint32Array(stride);
  for (let k = 0, i = 0, row = 0; k < count; k++) {
    let area = 0;
    let aboveHigh = 0;
    let aboveLow = 0;
    let top = -1;
    let bottom = -1;
    columns.fill(0);
    for (let y = 0; y < height; y++, row += stride) {
      const before = area;
      for (let x = 0; x < width; x += 32) {
        const end = Math.min(32, width - x);
        let word = 0;
        for (let bit = 0; bit < end; bit++, i++) {
          const value = data[i];
          if (value > low) aboveLow++;
          if (value > high) aboveHigh++;
          if (value > threshold) {
            word |= 1 << bit;
            area++;
          }
        }
        words[row + (x >> 5)] = word;
        columns[x >> 5] |= word;
      }
      if (area === before) continue;
      if (top < 0) top = y;
      bottom = y;
    }
    areas[k] = area;
    stability[k] = aboveLow === 0 ? 0 : aboveHigh / aboveLow;
    if (area === 0) continue;
    const first = columns.findIndex((word) => word !== 0);
    const last = columns.findLastIndex((word) => word !== 0);
    boxes[k * 4] = first * 32 + 31 - Math.clz32(columns[first] & -columns[first]);
    boxes[k * 4 + 1] = top;
    boxes[k * 4 + 2] = last * 32 + 31 - Math.clz32(columns[last]);
    boxes[k * 4 + 3] = bottom;
  }
  return { masks: { count, width, height, words }, areas, boxes, stability };
}

function checkLogitMaps({ count, height, width, data }: LogitMaps): void {
  checkCount(count);
  checkMaskSize(width, height);
  if (count === 0) {
    throw new UnSAMError("E_BAD_PROMPT", "There are no logits to make masks of; give at least one map.");
  }
  if (data.length !== count * height * width) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${count} logit maps of ${width}×${height} take ${count * height * width} values, not ${data.length}.`,
    );
  }
}

function thresholds({ threshold = 0, stabilityOffset = 1 }: ThresholdOptions) {
  if (!Number.isFinite(threshold) || !(Number.isFinite(stabilityOffset) && stabilityOffset >= 0)) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `threshold is ${threshold} and stabilityOffset ${stabilityOffset}; both must be finite, the offset not negative.`,
    );
  }
  return { low: threshold - stabilityOffset, threshold, high: threshold + stabilityOffset };
}
