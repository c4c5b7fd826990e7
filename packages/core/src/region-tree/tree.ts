import { dialLevels } from "./levels.js";
import type { Merges } from "./merging.js";
import type { RegionGraph } from "./region-graph.js";

/**
 * A hierarchy of regions. Nodes 0 … leafCount − 1 are the leaves, numbered depth first, so that every node is a range
 * of leaves; inner nodes follow in the order of their heights' merging, children before parents; the root is last.
 * Plain arrays: it crosses threads as it is. Immutable by convention.
 */
export interface RegionTree {
  /** Size of the original image in pixels. */
  readonly width: number;
  readonly height: number;
  readonly leafCount: number;
  /** 2 · leafCount − 1 */
  readonly nodeCount: number;
  /** Leaf of each pixel of the original image, [height, width]. */
  readonly leafMap: Int32Array;
  /** Parent of each node; the root is its own, [nodeCount]. */
  readonly parent: Int32Array;
  /** Merge height: 0 for leaves, never falling towards the root, [nodeCount]. */
  readonly heights: Float32Array;
  /** Pixels of the original image, [nodeCount]. */
  readonly areas: Int32Array;
  /** Mean boundary strength along the outline (the image's own edge left out), about 0…1, [nodeCount]. */
  readonly contrast: Float32Array;
  /** Place on the granularity dial, never falling towards the root; above 1: beyond the dial, [nodeCount]. */
  readonly levels: Float32Array;
  /** Node n holds the leaves firstLeaf[n] … lastLeaf[n], both included, [nodeCount]. */
  readonly firstLeaf: Int32Array;
  readonly lastLeaf: Int32Array;
}

/**
 * Builds the tree from the order in which the regions of a graph were merged. `regions` holds the region of each
 * pixel of the original image, numbered as in the graph.
 */
export function treeFromMerges(
  merges: Merges,
  graph: RegionGraph,
  regions: Int32Array,
  width: number,
  height: number,
): RegionTree {
  const { count, children, heights: mergeHeights } = merges;
  const nodeCount = 2 * count - 1;
  const parent = new Int32Array(nodeCount);
  const heights = new Float32Array(nodeCount);
  const areas = new Int32Array(nodeCount);
  const firstLeaf = new Int32Array(nodeCount);
  const lastLeaf = new Int32Array(nodeCount);

  const leafOf = new Int32Array(count);
  let numbered = 0;
  const open = [nodeCount - 1];
  while (open.length > 0) {
    const node = open.pop()!;
    if (node < count) leafOf[node] = numbered++;
    else open.push(children[2 * (node - count) + 1], children[2 * (node - count)]);
  }

  const leafMap = new Int32Array(regions.length);
  for (let i = 0; i < regions.length; i++) {
    const leaf = leafOf[regions[i]];
    leafMap[i] = leaf;
    areas[leaf]++;
  }
  for (let leaf = 0; leaf < count; leaf++) firstLeaf[leaf] = lastLeaf[leaf] = leaf;
  // What two children share is no outline of their parent.
  const outline = new Float64Array(nodeCount);
  const strength = new Float64Array(nodeCount);
  for (let edge = 0; edge < graph.first.length; edge++) {
    for (const region of [graph.first[edge], graph.second[edge]]) {
      outline[leafOf[region]] += graph.border[edge];
      strength[leafOf[region]] += graph.strength[edge];
    }
  }
  parent[nodeCount - 1] = nodeCount - 1;
  for (let merge = 0; merge < count - 1; merge++) {
    const node = count + merge;
    const [a, b] = [children[2 * merge], children[2 * merge + 1]].map((id) => (id < count ? leafOf[id] : id));
    parent[a] = parent[b] = node;
    heights[node] = mergeHeights[merge];
    areas[node] = areas[a] + areas[b];
    firstLeaf[node] = Math.min(firstLeaf[a], firstLeaf[b]);
    lastLeaf[node] = Math.max(lastLeaf[a], lastLeaf[b]);
    outline[node] = outline[a] + outline[b] - 2 * merges.border[merge];
    strength[node] = strength[a] + strength[b] - 2 * merges.strength[merge];
  }
  const levels = dialLevels(areas, heights);
  return {
    width,
    height,
    leafCount: count,
    nodeCount,
    leafMap,
    parent,
    heights,
    areas,
    contrast: Float32Array.from(outline, (length, node) => (length > 0.5 ? strength[node] / length : 0)),
    levels,
    firstLeaf,
    lastLeaf,
  };
}

/** The ancestors of a node, itself first, the root last. */
export function pathToRoot(tree: RegionTree, node: number): number[] {
  const path = [node];
  while (tree.parent[node] !== node) {
    node = tree.parent[node];
    path.push(node);
  }
  return path;
}
