import type { Contingency } from "./contingency.js";
import { iouOfCounts } from "./iou.js";

/**
 * How well the segments of the first map cover the regions of the second: the best IoU of each region, weighted by
 * the region's pixels, in [0, 1]; 1 is best (Arbeláez et al., Contour Detection and Hierarchical Image Segmentation,
 * TPAMI 33:898–916, 2011, section 2.3.3, equation 8).
 */
export function covering(table: Contingency): number {
  let sum = 0;
  for (const [region, iou] of bestIous(table)) sum += table.second.get(region)! * iou;
  return table.total === 0 ? Number.NaN : sum / table.total;
}

/** Highest IoU of each region of the second map with a segment of the first. */
export function bestIous(table: Contingency): Map<number, number> {
  const best = new Map<number, number>();
  for (const { first, second, common } of table.pairs) {
    const iou = iouOfCounts(common, table.first.get(first)!, table.second.get(second)!);
    if (iou > (best.get(second) ?? 0)) best.set(second, iou);
  }
  return best;
}
