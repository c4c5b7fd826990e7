import type { RegionTree } from "../tree.js";

/** Pixels of each leaf inside a box of the original image (pixel centres decide), [leafCount]. */
export function boxCoverage(
  tree: RegionTree,
  box: readonly [number, number, number, number],
): { inside: Float64Array; total: number } {
  const x0 = Math.min(tree.width - 1, Math.max(0, Math.round(box[0])));
  const y0 = Math.min(tree.height - 1, Math.max(0, Math.round(box[1])));
  // A box thinner than a pixel still holds the one it lies in.
  const x1 = Math.max(x0 + 1, Math.min(tree.width, Math.round(box[2])));
  const y1 = Math.max(y0 + 1, Math.min(tree.height, Math.round(box[3])));
  const inside = new Float64Array(tree.leafCount);
  for (let y = y0; y < y1; y++) {
    for (let i = y * tree.width + x0; i < y * tree.width + x1; i++) inside[tree.leafMap[i]]++;
  }
  return { inside, total: (x1 - x0) * (y1 - y0) };
}
