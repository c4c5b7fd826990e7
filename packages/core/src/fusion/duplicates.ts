import { UnSAMError } from "../errors.js";
import { checkPerMask } from "./mask-stack.js";
import { checkOverlaps, commonPixels, type Overlaps } from "./pairwise.js";

/**
 * Indices of the masks that stay, best score first (of equal scores the lower index): a mask goes when its
 * intersection over union with one that stays is above `maxIoU`. Two empty masks have an IoU of 1.
 * Throws `E_BAD_PROMPT`, `E_BAD_OPTION`.
 */
export function removeDuplicates(
  areas: ArrayLike<number>,
  scores: ArrayLike<number>,
  overlaps: Overlaps,
  maxIoU: number,
): Int32Array {
  checkOverlaps(overlaps);
  checkPerMask("areas", areas, overlaps.count);
  checkPerMask("scores", scores, overlaps.count);
  checkShare("maxIoU", maxIoU);
  const kept: number[] = [];
  for (const i of byScore(scores)) {
    const duplicate = kept.some((k) => {
      const common = commonPixels(overlaps, i, k);
      const union = areas[i] + areas[k] - common;
      return (union === 0 ? 1 : common / union) > maxIoU;
    });
    if (!duplicate) kept.push(i);
  }
  return Int32Array.from(kept);
}

/** Indices, highest score first; of equal scores the lower index. */
export function byScore(scores: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => scores[b] - scores[a] || a - b,
  );
}

/** Throws `E_BAD_OPTION` unless 0 ≤ value ≤ 1. */
export function checkShare(name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new UnSAMError("E_BAD_OPTION", `${name} is ${value}; it must be a number from 0 to 1.`);
}
