import type { Mask } from "../mask/index.js";
import type { Tensor } from "../tensor.js";
import { treeMask } from "./answer-mask.js";
import { areaCoverage } from "./area-average.js";
import type { TreeAnswer } from "./segment.js";
import type { RegionTree } from "./tree.js";

/** Side of the network's own low-resolution logits. */
const SIDE = 256;
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
  const { width, height, words } = mask;
  const stride = Math.ceil(width / 32);
  const rows = areaCoverage(height, SIDE);
  const columns = areaCoverage(width, SIDE);
  const data = new Float32Array(SIDE * SIDE);
  const sum = new Float32Array(width);
  for (let y = 0; y < SIDE; y++) {
    sum.fill(0);
    for (let k = rows.start[y]; k < rows.start[y + 1]; k++) {
      const row = rows.source[k] * stride;
      const weight = rows.weight[k];
      for (let x = 0; x < width; x++) if ((words[row + (x >> 5)] >>> (x & 31)) & 1) sum[x] += weight;
    }
    for (let x = 0; x < SIDE; x++) {
      let share = 0;
      for (let k = columns.start[x]; k < columns.start[x + 1]; k++) {
        share += columns.weight[k] * sum[columns.source[k]];
      }
      share = Math.min(1 - MARGIN, Math.max(MARGIN, share));
      data[y * SIDE + x] = Math.log(share / (1 - share));
    }
  }
  return { data, shape: [SIDE, SIDE] };
}
