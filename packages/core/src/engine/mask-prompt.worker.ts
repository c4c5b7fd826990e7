import { cellCoverage } from "../mask/coverage.js";
import { Mask } from "../mask/mask.js";
import { move } from "../runtime/move.js";

/** A pixel wholly inside a binary mask becomes this logit, one wholly outside its negative. */
const CERTAIN = 10;

/** Compute thread: a binary mask at image size to logits [side, side], 2 · CERTAIN · (coverage − ½). */
export function coverageLogits(
  { width, height, words }: { width: number; height: number; words: Uint32Array },
  side: number,
) {
  const mask = new Mask(width, height, words);
  const logits = cellCoverage(mask, side).map((share) => 2 * CERTAIN * (share - 0.5));
  return move(logits, logits);
}
