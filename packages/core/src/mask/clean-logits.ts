import { wordsPerRow } from "./bits.js";
import { findComponents } from "./components.js";

export interface CleanOptions {
  /** Connected background of at most this many low-resolution pixels becomes foreground; 0: none does. */
  readonly maxHoleArea: number;
  /** Connected foreground of at most this many low-resolution pixels becomes background; 0: none does. */
  readonly maxSprinkleArea: number;
  /** Logits above it are foreground; 0 by default. */
  readonly threshold?: number;
}

/** What the official predictor writes instead of the logits of a removed region, relative to the threshold. */
const SURE = 10;

/**
 * Removes small holes and sprinkles from low-resolution logits [h, w] before they are upsampled, as the official
 * predictor does: components are 8-connected, holes are any background at or below the threshold, and both kinds
 * are found in the logits as given, so a hole inside a removed sprinkle is left as foreground. Does not write to
 * `logits`; returns them where there is nothing to do.
 */
export function cleanLogits(logits: Float32Array, h: number, w: number, options: CleanOptions): Float32Array {
  const { maxHoleArea, maxSprinkleArea, threshold = 0 } = options;
  const holes = smallRegions(logits, h, w, maxHoleArea, (value) => value <= threshold);
  const sprinkles = smallRegions(logits, h, w, maxSprinkleArea, (value) => value > threshold);
  if (holes.length + sprinkles.length === 0) return logits;
  const cleaned = logits.slice();
  for (const [start, end] of holes) cleaned.fill(threshold + SURE, start, end);
  for (const [start, end] of sprinkles) cleaned.fill(threshold - SURE, start, end);
  return cleaned;
}

/** Index ranges of the components of at most `maxArea` pixels among the values that are `inside`. */
function smallRegions(
  logits: Float32Array,
  h: number,
  w: number,
  maxArea: number,
  inside: (value: number) => boolean,
): [number, number][] {
  const ranges: [number, number][] = [];
  if (!(maxArea > 0)) return ranges;
  const stride = wordsPerRow(w);
  const words = new Uint32Array(stride * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      if (inside(logits[y * w + x])) words[y * stride + (x >> 5)] |= 1 << (x & 31);
    }
  }
  const { runs, ofRun, areas } = findComponents(words, w, h, 8);
  for (let y = 0; y < h; y++) {
    for (let run = runs.rowStart[y]; run < runs.rowStart[y + 1]; run++) {
      if (areas[ofRun[run]] <= maxArea) ranges.push([y * w + runs.start[run], y * w + runs.end[run]]);
    }
  }
  return ranges;
}
