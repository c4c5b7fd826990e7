import { nodeLevels } from "./levels.js";
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
  /** Bounding box x0, y0, x1, y1 in pixels, the last two exclusive, [nodeCount, 4]. */
  readonly boxes: Int32Array;
  /** Mean boundary strength along the outline (the image's own edge left out), about 0…1, [nodeCount]. */
  readonly contrast: Float32Array;
  /**
   * Granularity from which on a node is the answer to a click inside it, [nodeCount]; never falling towards the root. Above 1: no
   * click gives it.
   */
  readonly levels: Float32Array;
  /** Node n holds the leaves firstLeaf[n] … lastLeaf[n], both included, [nodeCount]. */
  readonly firstLeaf: Int32Array;
  readonly lastLeaf: Int32Array;
}

/** The buffers of a tree, to move it to another thread: each array has one of its own. */
export function treeBuffers(tree: RegionTree): ArrayBuffer[] {
  return Object.values(tree).flatMap((part) =>
    ArrayBuffer.isView(part) ? [part.buffer as ArrayBuffer] : [],
  );
}

/** What a tree is made from; everything else follows. */
export type TreeParts = Pick<RegionTree, "width" | "height" | "leafMap" | "parent" | "heights" | "contrast">;

function growBox(boxes: Int32Array, at: number, x0: number, y0: number, x1: number, y1: number): void {
  if (x0 < boxes[at]) boxes[at] = x0;
  if (y0 < boxes[at + 1]) boxes[at + 1] = y0;
  if (x1 > boxes[at + 2]) boxes[at + 2] = x1;
  if (y1 > boxes[at + 3]) boxes[at + 3] = y1;
}

/** Completes a tree with what follows from its parts: areas, ranges of leaves, levels of granularity. */
export function assembleTree(parts: TreeParts): RegionTree {
  const { width, height, leafMap, parent, heights } = parts;
  const nodeCount = parent.length;
  const leafCount = (nodeCount + 1) / 2;
  const areas = new Int32Array(nodeCount);
  const boxes = new Int32Array(4 * nodeCount);
  for (let at = 0; at < boxes.length; at += 4) {
    boxes[at] = width;
    boxes[at + 1] = height;
  }
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      areas[leafMap[i]]++;
      growBox(boxes, 4 * leafMap[i], x, y, x + 1, y + 1);
    }
  }
  const firstLeaf = new Int32Array(nodeCount).fill(leafCount);
  const lastLeaf = new Int32Array(nodeCount).fill(-1);
  for (let leaf = 0; leaf < leafCount; leaf++) firstLeaf[leaf] = lastLeaf[leaf] = leaf;
  for (let node = 0; node < nodeCount - 1; node++) {
    const above = parent[node];
    areas[above] += areas[node];
    const at = 4 * node;
    growBox(boxes, 4 * above, boxes[at], boxes[at + 1], boxes[at + 2], boxes[at + 3]);
    firstLeaf[above] = Math.min(firstLeaf[above], firstLeaf[node]);
    lastLeaf[above] = Math.max(lastLeaf[above], lastLeaf[node]);
  }
  return {
    ...parts,
    leafCount,
    nodeCount,
    areas,
    boxes,
    levels: nodeLevels(areas, heights),
    firstLeaf,
    lastLeaf,
  };
}

/**
 * Builds the tree from the order in which the regions of a graph were merged. `regions` holds the region of each
 * pixel of the original image, numbered as in the graph; the tree takes the array over.
 */
export function treeFromMerges(
  merges: Merges,
  graph: RegionGraph,
  regions: Int32Array,
  width: number,
  height: number,
): RegionTree {
  const { count, children } = merges;
  const nodeCount = 2 * count - 1;
  const leafOf = depthFirstNumbers(count, children);
  renumber(regions, leafOf);

  const parent = new Int32Array(nodeCount);
  const heights = new Float32Array(nodeCount);
  const outline = new Float64Array(nodeCount);
  const strength = new Float64Array(nodeCount);
  for (let edge = 0; edge < graph.first.length; edge++) {
    for (const region of [graph.first[edge], graph.second[edge]]) {
      outline[leafOf[region]] += graph.border[edge];
      strength[leafOf[region]] += graph.strength[edge];
    }
  }
  for (let merge = 0; merge < count - 1; merge++) {
    const node = count + merge;
    heights[node] = merges.heights[merge];
    // What two children share is no outline of their parent.
    outline[node] = -2 * merges.border[merge];
    strength[node] = -2 * merges.strength[merge];
    for (const id of [children[2 * merge], children[2 * merge + 1]]) {
      const child = id < count ? leafOf[id] : id;
      parent[child] = node;
      outline[node] += outline[child];
      strength[node] += strength[child];
    }
  }
  parent[nodeCount - 1] = nodeCount - 1;
  // An outline is a whole number of pixel sides; the root's is 0 but for rounding.
  const contrast = Float32Array.from(outline, (length, node) => (length > 0.5 ? strength[node] / length : 0));
  return assembleTree(withoutEmpty({ width, height, leafMap: regions, parent, heights, contrast }));
}

/** Drops leaves without pixels, and the merges that only joined such leaves to something. */
function withoutEmpty(parts: TreeParts): TreeParts {
  const { leafMap, parent, heights, contrast } = parts;
  const nodeCount = parent.length;
  const leafCount = (nodeCount + 1) / 2;
  const filled = new Uint8Array(nodeCount);
  for (let i = 0; i < leafMap.length; i++) filled[leafMap[i]] = 1;
  if (!filled.subarray(0, leafCount).includes(0)) return parts;
  // Of an inner node, how many of its children hold pixels.
  for (let node = 0; node < nodeCount - 1; node++) if (filled[node] > 0) filled[parent[node]]++;
  const kept = [...parent.keys()].filter((node) => filled[node] > (node < leafCount ? 0 : 1));
  const number = new Int32Array(nodeCount).fill(-1);
  kept.forEach((node, k) => {
    number[node] = k;
  });
  const root = kept.length - 1;
  const parentOf = (node: number) => {
    while (number[parent[node]] < 0 && parent[node] !== node) node = parent[node];
    return number[parent[node]] < 0 ? root : number[parent[node]];
  };
  renumber(leafMap, number);
  return {
    ...parts,
    parent: Int32Array.from(kept, (node, k) => (k === root ? root : parentOf(node))),
    heights: Float32Array.from(kept, (node) => heights[node]),
    contrast: Float32Array.from(kept, (node, k) => (k === root ? 0 : contrast[node])),
  };
}

/** In place: tens of millions of numbers. */
function renumber(map: Int32Array, numbers: Int32Array): void {
  for (let i = 0; i < map.length; i++) map[i] = numbers[map[i]];
}

/** For each region its place among the leaves when the tree is walked depth first. */
function depthFirstNumbers(count: number, children: Int32Array): Int32Array {
  const numbers = new Int32Array(count);
  let numbered = 0;
  const open = [2 * count - 2];
  while (open.length > 0) {
    const node = open.pop()!;
    if (node < count) numbers[node] = numbered++;
    else open.push(children[2 * (node - count) + 1], children[2 * (node - count)]);
  }
  return numbers;
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
