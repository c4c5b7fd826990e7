import type { DecodedMasks } from "../decoder/index.js";

/** The ladder that "auto" decodes: ten even steps over the range UnSAMv2 was trained on. */
export const AUTOMATIC_LEVELS: readonly number[] = Array.from({ length: 10 }, (_, i) => (i + 1) / 10);

/**
 * Picks the rung whose mask persists: its mean IoU with the neighbouring rungs, times its predicted IoU.
 * A mask that hardly changes while the dial turns is one the model means, whatever the exact number.
 * Returns an index into `rungs`, which are ordered by granularity.
 */
export function mostPersistent(rungs: readonly DecodedMasks[]): number {
  const between = rungs.slice(1).map((rung, i) => iouAboveZero(rungs[i].lowRes, rung.lowRes));
  let best = 0;
  let bestScore = -1;
  for (let i = 0; i < rungs.length; i++) {
    const neighbours = [between[i - 1], between[i]].filter((iou) => iou !== undefined);
    const persistence = neighbours.reduce((sum, iou) => sum + iou, 0) / Math.max(1, neighbours.length);
    const score = persistence * rungs[i].predictedIou[0];
    if (score > bestScore) [best, bestScore] = [i, score];
  }
  return best;
}

/** IoU of two logit maps thresholded at 0; two empty masks do not count as alike. */
function iouAboveZero(a: Float32Array, b: Float32Array): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    const inA = a[i] > 0;
    const inB = b[i] > 0;
    if (inA && inB) both++;
    if (inA || inB) either++;
  }
  return either === 0 ? 0 : both / either;
}
