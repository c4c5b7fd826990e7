import { persistentScales } from "../../scales/index.js";
import type { RegionTree } from "../tree.js";

/** How much of the height inside a region counts against the contrast of its outline. */
const HEIGHT_WEIGHT = 0.3;
/** How much it counts that a region fills its bounding box; an ellipse fills it by 0.79. */
const FILL_WEIGHT = 0.1;
const TYPICAL_FILL = 0.6;
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

/**
 * Contrast of the outline less 0.3 of the height of the last merge inside, more for compact regions; below 0 for a mere
 * remainder.
 */
function worth(tree: RegionTree, node: number): number {
  const share = tree.areas[node] / (tree.width * tree.height);
  const [x0, y0, x1, y1] = tree.boxes.subarray(4 * node, 4 * node + 4);
  const fill = tree.areas[node] / ((x1 - x0) * (y1 - y0));
  return (
    tree.contrast[node] -
    HEIGHT_WEIGHT * tree.heights[node] -
    LARGE_WEIGHT * Math.max(0, share - LARGE) +
    FILL_WEIGHT * (fill - TYPICAL_FILL)
  );
}

/** A worth higher by this much makes a range of granularity count e times as much. */
const WORTH_SCALE = 0.08;

/**
 * The scales above `from`, most persistent first (see `persistentScales`): `from` and those ancestors that
 * some granularity reaches and `allowed` admits. Each counts by the range of granularity in which it is the answer, times
 * exp(worth / 0.08). On one chain the IoU of two nodes is the ratio of their areas.
 */
export function persistentNodes(
  tree: RegionTree,
  from: number,
  allowed: (node: number) => boolean,
  limit: number,
): number[] {
  const nodes = [from];
  for (let node = from; tree.parent[node] !== node; ) {
    node = tree.parent[node];
    if (tree.levels[node] > 1 || !allowed(node)) break;
    nodes.push(node);
  }
  const weights = nodes.map((node, i) => {
    const next = i + 1 < nodes.length ? tree.levels[nodes[i + 1]] : 1;
    return Math.max(0, next - tree.levels[node]) * Math.exp(worth(tree, node) / WORTH_SCALE);
  });
  const iou = (a: number, b: number) => {
    const ratio = tree.areas[nodes[a]] / tree.areas[nodes[b]];
    return Math.min(ratio, 1 / ratio);
  };
  return persistentScales(weights, iou, limit).map(({ index }) => nodes[index]);
}
