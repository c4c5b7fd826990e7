import type { RegionTree } from "../tree.js";

/**
 * How long a node lives, as a share of the height at which it ends: 1 − own height / parent's height, in [0, 1].
 * The whole image never ends; it gets 0.
 */
export function persistence(tree: RegionTree, node: number): number {
  const parent = tree.parent[node];
  if (parent === node || tree.heights[parent] <= 0) return 0;
  return 1 - tree.heights[node] / tree.heights[parent];
}

/**
 * The most persistent node among `from` and its ancestors that `allowed` admits; `from` where none is.
 * Leaves are passed over where there is anything else: each ends at its first merge, which says nothing.
 */
export function mostPersistent(tree: RegionTree, from: number, allowed: (node: number) => boolean): number {
  let best = from;
  let bestScore = -1;
  for (let node = from; tree.parent[node] !== node; node = tree.parent[node]) {
    if (node < tree.leafCount || tree.levels[node] > 1 || !allowed(node)) continue;
    const score = tree.heights[tree.parent[node]] - tree.heights[node];
    if (score > bestScore) {
      best = node;
      bestScore = score;
    }
  }
  return best;
}
