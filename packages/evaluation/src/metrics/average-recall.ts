import { Mask, popcount } from "@unsam/core/mask";
import { iouOfCounts } from "./iou.js";

/** IoU thresholds 0.50, 0.55 … 0.95. */
export const RECALL_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, k) => (50 + 5 * k) / 100);

/**
 * How many of an image's regions are found at each IoU threshold. As in COCO's evaluation: proposals in the order of
 * their scores, each takes the region of highest IoU that is not taken yet, if that IoU reaches the threshold. The sum
 * over images, divided by the number of regions and averaged over the thresholds, is the average recall (Hosang et al.,
 * What Makes for Effective Detection Proposals?, TPAMI 38:814–830, 2016, section 4; AR@1000 with 1000 proposals).
 * `counted`: pixels that count; null: all.
 */
export function recalled(
  proposals: readonly Mask[],
  regions: Iterable<Mask>,
  counted: Mask | null,
): number[] {
  const predicted = counted ? proposals.map((mask) => within(mask, counted)) : proposals;
  const candidates: { r: number; iou: number }[][] = predicted.map(() => []);
  let r = 0;
  // One region after the other: of a large photo all masks together may not fit in memory.
  for (const region of regions) {
    const wanted = counted ? within(region, counted) : region;
    for (const [p, mask] of predicted.entries()) {
      const iou = iouFromHalf(mask, wanted);
      if (iou >= RECALL_THRESHOLDS[0]) candidates[p].push({ r, iou });
    }
    r++;
  }
  return RECALL_THRESHOLDS.map((threshold) => {
    const taken = new Set<number>();
    for (const list of candidates) {
      let best: { r: number; iou: number } | null = null;
      for (const candidate of list) {
        if (candidate.iou < threshold - 1e-12 || taken.has(candidate.r)) continue;
        if (best === null || candidate.iou > best.iou) best = candidate;
      }
      if (best) taken.add(best.r);
    }
    return taken.size;
  });
}

/** The IoU where it can be a half or more, else 0: areas alone rule most pairs out. */
function iouFromHalf(a: Mask, b: Mask): number {
  if (2 * Math.min(a.area, b.area) < Math.max(a.area, b.area) || a.area === 0) return 0;
  const top = Math.max(a.bbox.y, b.bbox.y);
  const bottom = Math.min(a.bbox.y + a.bbox.height, b.bbox.y + b.bbox.height);
  let common = 0;
  for (let i = top * a.stride; i < bottom * a.stride; i++) common += popcount(a.words[i] & b.words[i]);
  return iouOfCounts(common, a.area, b.area);
}

function within(mask: Mask, counted: Mask): Mask {
  return new Mask(
    mask.width,
    mask.height,
    mask.words.map((word, i) => word & counted.words[i]),
  );
}
