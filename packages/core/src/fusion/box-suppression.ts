import { UnSAMError } from "../errors.js";
import { byScore, checkShare } from "./duplicates.js";
import { checkCount, checkPerMask } from "./mask-stack.js";

/**
 * Box suppression of the official whole-image generator, number for number: boxes are the inclusive corners x0, y0,
 * x1, y1 of each mask, taken as they are (so a box one pixel wide has no area), compared in float32, best score
 * first, ties in the order given. Returns the indices that stay, best score first: a box goes when its IoU with one
 * that stays is above `maxIoU`; a pair without area (0 / 0) never goes. Throws `E_BAD_PROMPT`, `E_BAD_OPTION`.
 */
export function suppressBoxes(
  boxes: ArrayLike<number>,
  scores: ArrayLike<number>,
  maxIoU: number,
): Int32Array {
  const count = scores.length;
  checkCount(count);
  checkPerMask("scores", scores, count);
  checkPerMask("box corners", boxes, 4 * count);
  checkShare("maxIoU", maxIoU);
  const f = Math.fround;
  const corners = Float32Array.from(boxes);
  const areas = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const width = f(corners[4 * i + 2] - corners[4 * i]);
    areas[i] = width * f(corners[4 * i + 3] - corners[4 * i + 1]);
    if (width < 0 || corners[4 * i + 3] < corners[4 * i + 1]) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `Box ${i} is ${[...corners.subarray(4 * i, 4 * i + 4)].join(", ")}; its corners are x0 ≤ x1, y0 ≤ y1.`,
      );
    }
  }
  const kept: number[] = [];
  for (const i of byScore(Float32Array.from(scores))) {
    let stays = true;
    for (let n = 0; stays && n < kept.length; n++) {
      const k = kept[n];
      const x0 = Math.max(corners[4 * i], corners[4 * k]);
      const y0 = Math.max(corners[4 * i + 1], corners[4 * k + 1]);
      const x1 = Math.min(corners[4 * i + 2], corners[4 * k + 2]);
      const y1 = Math.min(corners[4 * i + 3], corners[4 * k + 3]);
      const common = f(f(Math.max(0, x1 - x0)) * f(Math.max(0, y1 - y0)));
      stays = !(f(common / f(f(areas[k] + areas[i]) - common)) > maxIoU);
    }
    if (stays) kept.push(i);
  }
  return Int32Array.from(kept);
}
