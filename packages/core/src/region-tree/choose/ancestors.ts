import { pathToRoot, type RegionTree } from "../tree.js";

/** One step of the ladder above a leaf. */
export interface ChainStep {
  readonly node: number;
  /** Merge height. */
  readonly height: number;
  /** Pixels of the original image. */
  readonly area: number;
  /** The granularity from which on the node is the answer to a click: [0, 1], or above 1 where no click reaches it. */
  readonly granularity: number;
}

/** All ancestors of a leaf, itself first, the whole image last. Areas and granularity only grow. */
export function chain(tree: RegionTree, leaf: number): ChainStep[] {
  return pathToRoot(tree, leaf).map((node) => ({
    node,
    height: tree.heights[node],
    area: tree.areas[node],
    granularity: granularityOf(tree, node),
  }));
}

/** The granularity from which on a node is the answer to a click inside it. */
export function granularityOf(tree: RegionTree, node: number): number {
  return tree.levels[node];
}

/** The largest ancestor of `node` (or `node` itself) that `granularity` reaches. Monotone, nested. */
export function ancestorAt(tree: RegionTree, node: number, granularity: number): number {
  while (tree.parent[node] !== node && tree.levels[tree.parent[node]] <= granularity)
    node = tree.parent[node];
  return node;
}

/** The smallest node that holds both. */
export function commonAncestor(tree: RegionTree, a: number, b: number): number {
  while (!holds(tree, a, b)) a = tree.parent[a];
  return a;
}

/** Whether `inner` lies in `outer` (a node lies in itself). */
export function holds(tree: RegionTree, outer: number, inner: number): boolean {
  return tree.firstLeaf[outer] <= tree.firstLeaf[inner] && tree.lastLeaf[inner] <= tree.lastLeaf[outer];
}
