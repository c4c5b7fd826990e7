import type { RegionTree } from "../tree.js";

/** What a union of nodes should cover. */
export interface UnionTarget {
  /** Covered pixels in each leaf, 0 … its area; fractions are fine, [leafCount]. */
  readonly inside: Float64Array;
  /** Covered pixels in all, those outside every leaf included. */
  readonly total: number;
  /** 1: must be in, −1: must be out, 0: free, [leafCount]; null: all free. */
  readonly forced: Int8Array | null;
  /** Share of the target that one more node must win to be worth taking; 0 leaves the union free. */
  readonly price: number;
}

export interface Union {
  /** Nodes without overlap, in the order of their leaves. */
  readonly nodes: number[];
  /** IoU of union and target. */
  readonly iou: number;
}

/**
 * The union of nodes U that maximises (I − price · total · nodes) / |U ∪ target|, I the overlap: with price 0 the IoU.
 * Dinkelbach's method turns the ratio into a chain of linear problems, each solved exactly from the leaves up.
 */
export function bestUnion(tree: RegionTree, target: UnionTarget): Union {
  const { leafCount, nodeCount, parent, areas } = tree;
  const { inside, total, forced, price } = target;
  const overlap = new Float64Array(nodeCount);
  // Leaves below a node that must be in, and that must be out.
  const needed = new Int32Array(nodeCount);
  const barred = new Int32Array(nodeCount);
  for (let leaf = 0; leaf < leafCount; leaf++) {
    overlap[leaf] = inside[leaf];
    if (forced?.[leaf] === 1) needed[leaf] = 1;
    if (forced?.[leaf] === -1) barred[leaf] = 1;
  }
  for (let node = 0; node < nodeCount - 1; node++) {
    overlap[parent[node]] += overlap[node];
    needed[parent[node]] += needed[node];
    barred[parent[node]] += barred[node];
  }
  const children = childrenOf(tree);
  const gain = new Float64Array(nodeCount);
  const choice = new Uint8Array(nodeCount);
  let ratio = 0;
  let nodes: number[] = [];
  for (let round = 0; round < 40; round++) {
    for (let node = 0; node < nodeCount; node++) {
      const alone =
        barred[node] > 0
          ? Number.NEGATIVE_INFINITY
          : overlap[node] - price * total - ratio * (areas[node] - overlap[node]);
      // Nothing taken below this node: allowed where nothing below it is needed.
      let best = needed[node] > 0 ? Number.NEGATIVE_INFINITY : 0;
      choice[node] = NOTHING;
      if (node >= leafCount) {
        const inner = node - leafCount;
        const split = gain[children[2 * inner]] + gain[children[2 * inner + 1]];
        if (split > best) {
          best = split;
          choice[node] = SPLIT;
        }
      }
      // A needed leaf that is barred too cannot be had; it stays out.
      if (alone > best || (alone === best && alone > 0)) {
        best = alone;
        choice[node] = WHOLE;
      }
      gain[node] = best === Number.NEGATIVE_INFINITY ? 0 : best;
    }
    nodes = collect(children, choice, leafCount, nodeCount - 1);
    const next = ratioOf(nodes);
    // The first round only finds a place to start from: needed leaves may force a ratio below 0.
    if (round > 0 && next <= ratio + 1e-12) break;
    ratio = next;
  }
  let area = 0;
  let common = 0;
  for (const node of nodes) {
    area += areas[node];
    common += overlap[node];
  }
  const union = area + total - common;
  return { nodes, iou: union > 0 ? common / union : 0 };

  function ratioOf(chosen: readonly number[]): number {
    let value = 0;
    let outside = total;
    for (const node of chosen) {
      value += overlap[node] - price * total;
      outside += areas[node] - overlap[node];
    }
    return outside > 0 ? value / outside : 0;
  }
}

const NOTHING = 0;
const SPLIT = 1;
const WHOLE = 2;

function collect(children: Int32Array, choice: Uint8Array, leafCount: number, root: number): number[] {
  const nodes: number[] = [];
  const open = [root];
  while (open.length > 0) {
    const node = open.pop()!;
    if (choice[node] === WHOLE) nodes.push(node);
    else if (choice[node] === SPLIT) {
      open.push(children[2 * (node - leafCount) + 1], children[2 * (node - leafCount)]);
    }
  }
  return nodes;
}

/** The two children of each inner node, the one with the lower leaves first, [leafCount − 1, 2]. */
export function childrenOf(tree: RegionTree): Int32Array {
  const { leafCount, nodeCount, parent, firstLeaf } = tree;
  const children = new Int32Array(2 * (leafCount - 1)).fill(-1);
  for (let node = 0; node < nodeCount - 1; node++) {
    const at = 2 * (parent[node] - leafCount);
    const later = firstLeaf[node] > firstLeaf[parent[node]] ? 1 : 0;
    children[at + later] = node;
  }
  return children;
}
