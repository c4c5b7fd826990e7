import { wordsPerRow } from "./bits.js";
import { findComponents } from "./components.js";

export interface CleanOptions {
  /** Connected background of at most this many low-resolution pixels becomes foreground; 0: none does. */
  readonly maxHoleArea: number;
  /** Connected foreground of at most this many low-resolution pixels becomes background; 0: none does. */
  readonly maxSprinkleArea: number;
  /** Logits above it are foreground; 0 by default. */
  readonly threshold?: number;
  /** Logit of a filled hole; 10 above the threshold by default, as in the official image predictor. */
  readonly filling?: number;
}

/** What the official predictor writes instead of the logits of a removed region, relative to the threshold. */
const SURE = 10;

/**
 * Removes small holes and sprinkles from low-resolution logits [h, w] before they are upsampled, as the official
 * predictor does: components are 8-connected, holes are any background at or below the threshold, and both kinds
 * are found in the logits as given, so a hole inside a removed sprinkle is left as foreground. Returns a copy.
 */
export function cleanLogits(logits: Float32Array, h: number, w: number, options: CleanOptions): Float32Array {
  const { maxHoleArea, maxSprinkleArea, threshold = 0, filling = threshold + SURE } = options;
  const cleaned = logits.slice();
  if (maxHoleArea > 0) {
    const background = packWhere(logits, h, w, threshold, false);
    replaceSmall(cleaned, background, h, w, maxHoleArea, filling);
  }
  if (maxSprinkleArea > 0) {
    const foreground = packWhere(logits, h, w, threshold, true);
    replaceSmall(cleaned, foreground, h, w, maxSprinkleArea, threshold - SURE);
  }
  return cleaned;
}

/** The bits of the values above the threshold, or of those at or below it; NaN is neither. */
function packWhere(
  logits: Float32Array,
  h: number,
  w: number,
  threshold: number,
  above: boolean,
): Uint32Array {
  const stride = wordsPerRow(w);
  const words = new Uint32Array(stride * h);
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      if (above ? logits[i] > threshold : logits[i] <= threshold)
        words[y * stride + (x >> 5)] |= 1 << (x & 31);
    }
  }
  return words;
}

/** Writes `value` over the components of at most `maxArea` pixels. */
function replaceSmall(
  logits: Float32Array,
  words: Uint32Array,
  h: number,
  w: number,
  maxArea: number,
  value: number,
): void {
  const { runs, ofRun, areas } = findComponents(words, w, h, 8);
  for (let y = 0; y < h; y++) {
    for (let run = runs.rowStart[y]; run < runs.rowStart[y + 1]; run++) {
      if (areas[ofRun[run]] <= maxArea) logits.fill(value, y * w + runs.start[run], y * w + runs.end[run]);
    }
  }
}
