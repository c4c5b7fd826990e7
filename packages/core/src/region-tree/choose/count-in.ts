import type { RegionTree } from "../tree.js";

/** How many of the given nodes lie in each node, [nodeCount]; leaves are nodes too, and a node lies in itself. */
export function countIn(tree: RegionTree, given: readonly number[]): Int32Array {
  const count = new Int32Array(tree.nodeCount);
  for (const node of given) count[node]++;
  for (let node = 0; node < tree.nodeCount - 1; node++) count[tree.parent[node]] += count[node];
  return count;
}
