import type { RegionTree } from "../tree.js";

/** How much of the height inside a region counts against the contrast of its outline. */
const HEIGHT_WEIGHT = 0.25;
/** Beyond this share of the image a region is more and more the scene around things, and loses by this much. */
const LARGE = 0.2;
const LARGE_WEIGHT = 0.3;

/**
 * How well a region stands by itself, in [0, 1]: twice its worth. High where a strong outline encloses calm ground;
 * such a node outlives many merges.
 */
export function persistence(tree: RegionTree, node: number): number {
  return Math.min(1, Math.max(0, 2 * worth(tree, node)));
}

/** Contrast of the outline less a quarter of the height of the last merge inside; below 0 for a mere remainder. */
function worth(tree: RegionTree, node: number): number {
  const share = tree.areas[node] / (tree.width * tree.height);
  return tree.contrast[node] - HEIGHT_WEIGHT * tree.heights[node] - LARGE_WEIGHT * Math.max(0, share - LARGE);
}

/**
 * The most persistent node among `from` and those ancestors that the dial reaches and `allowed` admits. Of equals the
 * larger one; `from` itself where no ancestor qualifies.
 */
export function mostPersistent(tree: RegionTree, from: number, allowed: (node: number) => boolean): number {
  let best = from;
  let bestValue = worth(tree, from);
  for (let node = tree.parent[from]; tree.levels[node] <= 1 && allowed(node); node = tree.parent[node]) {
    const value = worth(tree, node);
    if (value >= bestValue) {
      best = node;
      bestValue = value;
    }
    if (tree.parent[node] === node) break;
  }
  return best;
}
