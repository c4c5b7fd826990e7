import { cleanLogits } from "../mask/clean-logits.js";
import { finishMask } from "../mask/finish.js";
import { move } from "../runtime/index.js";

export interface FinishRequest {
  /** Unclamped low-resolution logits, [h, w]. */
  readonly logits: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** Compute thread: low-resolution logits to bit-packed masks at image size. */
export function finish(
  requests: readonly FinishRequest[],
  size: { width: number; height: number },
  cleaning: { maxHoleArea: number; maxSprinkleArea: number },
) {
  const clean = cleaning.maxHoleArea > 0 || cleaning.maxSprinkleArea > 0;
  const finished = requests.map(({ logits, height, width }) => {
    const cleaned = clean ? cleanLogits(logits, height, width, cleaning) : logits;
    const { words, stability } = finishMask(cleaned, height, width, size.width, size.height);
    return { words, stability };
  });
  return move(finished, ...finished.map(({ words }) => words));
}
