import type { WholeImageOptions } from "./options.js";

// The two score thresholds of the official generator, for every model. Both sides are compared in float32, as PyTorch does.

/** Whether a mask stays by its predicted IoU: above the threshold; at threshold 0 every one does. */
export function isConfident(score: number, { predictedIou: least }: WholeImageOptions): boolean {
  return least === 0 || Math.fround(score) > Math.fround(least);
}

/**
 * Whether a mask stays by its stability score: at least the threshold; at threshold 0 every one does. A score of 0 / 0 is no
 * stability at all and fails every threshold there is.
 */
export function isStable(score: number, { stability: least }: WholeImageOptions): boolean {
  return least === 0 || Math.fround(score) >= Math.fround(least);
}
