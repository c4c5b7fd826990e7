import { pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { bestUnion } from "#core/region-tree/choose/best-union.js";
import type { RegionTree } from "#core/region-tree/index.js";
import { assembleTree } from "#core/region-tree/tree.js";

/** A random binary tree over leaves of random areas. */
function randomTree(leafCount: number, seed: number): RegionTree {
  const random = pseudoRandom(seed);
  const nodeCount = 2 * leafCount - 1;
  const parent = new Int32Array(nodeCount);
  // Neighbouring roots are joined, so leaves stay in order.
  const roots = Array.from({ length: leafCount }, (_, i) => i);
  for (let node = leafCount; node < nodeCount; node++) {
    const k = Math.floor(random() * (roots.length - 1));
    parent[roots[k]] = parent[roots[k + 1]] = node;
    roots.splice(k, 2, node);
  }
  parent[nodeCount - 1] = nodeCount - 1;
  const leafMap: number[] = [];
  for (let leaf = 0; leaf < leafCount; leaf++) {
    for (let k = 1 + Math.floor(random() * 20); k > 0; k--) leafMap.push(leaf);
  }
  return assembleTree({
    width: leafMap.length,
    height: 1,
    leafMap: Int32Array.from(leafMap),
    parent,
    heights: Float32Array.from(parent, (_, node) => (node < leafCount ? 0 : node)),
    contrast: new Float32Array(nodeCount),
  });
}

/** Every union there is, as the fewest nodes that make it, with what it is worth. */
function bruteForce(
  tree: RegionTree,
  inside: Float64Array,
  total: number,
  forced: Int8Array | null,
  price: number,
): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let bits = 0; bits < 1 << tree.leafCount; bits++) {
    const has = (leaf: number) => ((bits >> leaf) & 1) === 1;
    if (forced?.some((f, leaf) => (f === 1 && !has(leaf)) || (f === -1 && has(leaf)))) continue;
    let overlap = 0;
    let outside = 0;
    for (let leaf = 0; leaf < tree.leafCount; leaf++) {
      if (!has(leaf)) continue;
      overlap += inside[leaf];
      outside += tree.areas[leaf] - inside[leaf];
    }
    const full = (node: number) => {
      for (let leaf = tree.firstLeaf[node]; leaf <= tree.lastLeaf[node]; leaf++) if (!has(leaf)) return false;
      return true;
    };
    let nodes = 0;
    for (let node = 0; node < tree.nodeCount; node++) {
      const above = tree.parent[node];
      if (full(node) && (above === node || !full(above))) nodes++;
    }
    best = Math.max(best, (overlap - price * total * nodes) / (total + outside));
  }
  return best;
}

describe("best union", () => {
  it.each([1, 2, 3, 4, 6, 9, 11])("equals brute force over all unions of %i leaves", (leafCount) => {
    for (let seed = 0; seed < 12; seed++) {
      const tree = randomTree(leafCount, 50 * leafCount + seed);
      const random = pseudoRandom(seed);
      const inside = Float64Array.from({ length: leafCount }, (_, leaf) =>
        random() < 0.3 ? 0 : Math.floor(random() * (tree.areas[leaf] + 1)),
      );
      const total = inside.reduce((a, b) => a + b, 0) + Math.floor(random() * 10);
      if (total === 0) continue;
      const forced =
        seed % 3 === 0
          ? null
          : Int8Array.from({ length: leafCount }, () => Math.floor(random() * 4) - 1 || 0);
      if (forced) for (let i = 0; i < leafCount; i++) if (forced[i] === 2) forced[i] = 0;
      for (const price of [0, 0.02, 0.1]) {
        const { nodes, iou } = bestUnion(tree, { inside, total, forced, price });
        let overlap = 0;
        let outside = 0;
        const taken = new Uint8Array(leafCount);
        for (const node of nodes) {
          for (let leaf = tree.firstLeaf[node]; leaf <= tree.lastLeaf[node]; leaf++) {
            expect(taken[leaf]).toBe(0);
            taken[leaf] = 1;
            overlap += inside[leaf];
            outside += tree.areas[leaf] - inside[leaf];
          }
        }
        forced?.forEach((f, leaf) => {
          if (f !== 0) expect(taken[leaf]).toBe(f === 1 ? 1 : 0);
        });
        expect(iou).toBeCloseTo(overlap / (total + outside), 12);
        const value = (overlap - price * total * nodes.length) / (total + outside);
        expect(value).toBeCloseTo(bruteForce(tree, inside, total, forced, price), 9);
      }
    }
  });
});
