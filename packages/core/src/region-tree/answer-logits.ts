import { cellCoverage } from "../mask/coverage.js";
import type { Mask } from "../mask/index.js";
import type { Tensor } from "../tensor.js";
import { treeMask } from "./answer-mask.js";
import type { TreeAnswer } from "./segment.js";
import type { RegionTree } from "./tree.js";

/** Side of the network's own low-resolution logits. */
export const TREE_LOGIT_SIDE = 256;
/** Coverage is kept this far from 0 and 1, which bounds the logits at ±6.9. */
const MARGIN = 1e-3;

/**
 * The answer as low-resolution logits, [256, 256], stretched over the image as a network's are: the log-odds of the
 * share of each cell that the answer covers, within ±6.9.
 */
export function treeLogits(tree: RegionTree, answer: TreeAnswer): Tensor {
  return coverageLogits(treeMask(tree, answer));
}

/** Log-odds of the share of each of 256 × 256 cells that a mask covers. */
export function coverageLogits(mask: Mask): Tensor {
  // Most cells are covered wholly or not at all: their logarithm is taken once.
  const none = logOdds(0);
  const whole = logOdds(1);
  const data = cellCoverage(mask, TREE_LOGIT_SIDE).map((covered) => {
    if (covered <= MARGIN) return none;
    return covered >= 1 - MARGIN ? whole : logOdds(covered);
  });
  return { data, shape: [TREE_LOGIT_SIDE, TREE_LOGIT_SIDE] };
}

/** Log-odds of a share, within ±6.9. */
export function logOdds(share: number): number {
  const kept = Math.min(1 - MARGIN, Math.max(MARGIN, share));
  return Math.log(kept / (1 - kept));
}
