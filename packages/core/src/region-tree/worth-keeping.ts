import { familyGranularities } from "../scales/family-granularity.js";
import { childrenOf } from "./choose/best-union.js";
import type { RegionTree } from "./tree.js";

/** A region of the tree that stands by itself. */
export interface KeptRegion {
  readonly node: number;
  /** Index of the kept region it lies in, −1 for a top region. */
  readonly parent: number;
  /** Within the family of its top region: 0.1 for the smallest, 1 for the top region. */
  readonly granularity: number;
}

/** Shares of the image: smaller regions are crumbs, larger ones the scene around things. */
const LEAST_AREA = 0.0005;
const LARGEST_TOP = 0.8;
/** Share of the root's height above which a region is split into top regions. */
const HIGHEST_TOP = 0.97;
/** How much a region's outline must stand out against what is inside it: the heights of its parent and its own. */
const LEAST_RATIO = 1.08;
const LEAST_GAP = 0.015;
/** The height of the parent as a share of the root's: below it lie the regions of mere texture. */
const LEAST_PARENT = 0.16;
/** Of two regions on a chain with a larger ratio of areas, the longer-lived stays. */
const SAME_AREA = 0.82;

/**
 * The regions worth keeping out of the hundreds on the way from superpixels to the root, parents before children.
 * Top regions partition the image but for crumbs. Granularity in a family: 0.1 + 0.9 · (√a − √min) / (√max − √min)
 * of its areas, as UnSAMv2 grades its pseudo-labels; a lone region gets 1. `minArea`: in pixels; `leastParent`: a lower
 * share keeps finer regions.
 */
export function regionsWorthKeeping(tree: RegionTree, minArea = 0, leastParent = LEAST_PARENT): KeptRegion[] {
  const { nodeCount, leafCount, areas, heights } = tree;
  const root = nodeCount - 1;
  const least = Math.max(LEAST_AREA * areas[root], minArea, 1);
  const children = childrenOf(tree);
  const below = (node: number) =>
    node < leafCount ? [] : [children[2 * (node - leafCount)], children[2 * (node - leafCount) + 1]];
  const kept: KeptRegion[] = [];
  const tops = [root];
  while (tops.length > 0) {
    const top = tops.pop()!;
    const splits = areas[top] > LARGEST_TOP * areas[root] || heights[top] > HIGHEST_TOP * heights[root];
    if (splits && top >= leafCount) tops.push(...below(top).reverse());
    else if (areas[top] >= least) kept.push(...family(tree, top, least, leastParent, below, kept.length));
  }
  return kept;
}

/** A top region and what is worth keeping below it; indices of parents begin at `first`. */
function family(
  tree: RegionTree,
  top: number,
  least: number,
  leastParent: number,
  below: (node: number) => number[],
  first: number,
): KeptRegion[] {
  const { parent, heights, areas, nodeCount } = tree;
  const rootHeight = heights[nodeCount - 1];
  const life = (node: number) => heights[parent[node]] - heights[node];
  const standsOut = (node: number) => {
    const above = heights[parent[node]];
    return (
      above >= LEAST_RATIO * heights[node] &&
      above >= leastParent * rootHeight &&
      above - heights[node] >= LEAST_GAP * rootHeight
    );
  };
  /** The longest-lived of the nodes that are nearly the same region as this one, itself included. */
  const longestLived = (node: number) => {
    let best = node;
    let next: number | undefined = node;
    while (next !== undefined) {
      next = below(next).find((child) => areas[child] >= SAME_AREA * areas[node]);
      if (next !== undefined && standsOut(next) && life(next) > life(best)) best = next;
    }
    return best;
  };
  const members: { node: number; parent: number }[] = [{ node: top, parent: -1 }];
  const open = below(top).map((node) => ({ node, around: 0 }));
  while (open.length > 0) {
    const { node, around } = open.pop()!;
    if (areas[node] < least) continue;
    let inside = around;
    let last = node;
    if (standsOut(node) && areas[node] < SAME_AREA * areas[members[around].node]) {
      last = longestLived(node);
      inside = members.push({ node: last, parent: around }) - 1;
      // What lies beside the one that was chosen lies in what is around both.
      for (let inner = last; inner !== node; inner = parent[inner]) {
        for (const side of below(parent[inner])) if (side !== inner) open.push({ node: side, around });
      }
    }
    for (const child of below(last)) open.push({ node: child, around: inside });
  }
  const granularities = familyGranularities(members.map(({ node }) => areas[node]));
  return members.map(({ node, parent }, i) => ({
    node,
    parent: parent < 0 ? -1 : first + parent,
    granularity: granularities[i],
  }));
}

/** Those of them that own a pixel at some granularity from `low` to `high`. */
export function regionsBetween(
  tree: RegionTree,
  regions: readonly KeptRegion[],
  low: number,
  high: number,
): KeptRegion[] {
  // Pixels of a region in none of those below it: they are its own at every granularity.
  const rest = regions.map(({ node }) => tree.areas[node]);
  regions.forEach(({ node, parent }) => {
    if (parent >= 0) rest[parent] -= tree.areas[node];
  });
  return regions.filter(({ parent, granularity }, i) => {
    const until = parent < 0 ? Number.POSITIVE_INFINITY : regions[parent].granularity;
    return (granularity <= high && until > low) || (rest[i] > 0 && granularity > low);
  });
}
