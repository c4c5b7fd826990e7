import { Mask } from "@unsam/core/mask";
import type { Prompt, PromptPoint } from "@unsam/core/prompt";
import {
  buildRegionTree,
  persistence,
  type RegionTree,
  type RegionTreeOptions,
  segmentTree,
  treeMask,
} from "@unsam/core/region-tree";
import type { Answer, Method, MethodImage, WholeImage } from "./method.js";

/** In reports; the built-in model answers clicks alike, and is called region-tree. */
export const REGION_TREE_BASELINE = "region-tree (baseline)";
/** Granularities at which the whole image is cut into segments. */
const THRESHOLDS = 20;

/**
 * The region-merging tree, taken apart: the same answers as the built-in engine, and its nodes as proposals and
 * segmentations of the whole image.
 */
export function regionTreeMethod(levels: readonly number[], options: RegionTreeOptions = {}): Method {
  return {
    info: {
      name: REGION_TREE_BASELINE,
      description: "Hierarchy of regions merged by colour, texture and contours, without learned weights.",
      levels,
      chooses: true,
      fingerprint: null,
    },
    prepare: async (image) => prepareTree(buildRegionTree(image, options), levels),
    async dispose() {},
  };
}

export function prepareTree(tree: RegionTree, levels: readonly number[]): MethodImage {
  const answer = (points: readonly PromptPoint[], granularity: number | "auto"): Answer => {
    const prompt: Prompt = { points, box: null, mask: null, granularity };
    const found = segmentTree(tree, prompt);
    const chosen = granularity === "auto" ? found.granularity : granularity;
    return { mask: treeMask(tree, found), granularity: chosen, logits: null };
  };
  return {
    offer: async (clicks) => ({
      ladder: levels.map((level) => answer(clicks, level)),
      auto: answer(clicks, "auto"),
    }),
    answer: async (clicks, granularity) => answer(clicks, granularity),
    wholeImage: async () => wholeTree(tree),
    dispose: async () => {},
  };
}

function wholeTree(tree: RegionTree): WholeImage {
  return {
    segmentations: THRESHOLDS,
    labels: (k) => labelsAt(tree, (k + 1) / THRESHOLDS),
    proposals: async (count) => nodeMasks(tree, mostPersistentNodes(tree, count)),
  };
}

/** The segmentation that a granularity makes of the whole image: each leaf's largest ancestor within it. */
export function labelsAt(tree: RegionTree, granularity: number): Int32Array {
  const { nodeCount, parent, levels, leafMap } = tree;
  const owner = new Int32Array(nodeCount);
  // Parents come behind their children, and levels never fall towards the root.
  for (let node = nodeCount - 1; node >= 0; node--) {
    const above = parent[node];
    owner[node] = above !== node && levels[above] <= granularity ? owner[above] : node;
  }
  return leafMap.map((leaf) => owner[leaf]);
}

function mostPersistentNodes(tree: RegionTree, count: number): number[] {
  const scores = Float64Array.from({ length: tree.nodeCount }, (_, node) => persistence(tree, node));
  // Of equals the larger one: small regions are many, and most of them are crumbs.
  return Array.from(scores.keys())
    .sort((a, b) => scores[b] - scores[a] || tree.areas[b] - tree.areas[a])
    .slice(0, count);
}

/** Masks of single nodes. A node's leaves follow each other, so its pixels do, once sorted by leaf. */
export function nodeMasks(tree: RegionTree, nodes: readonly number[]): Mask[] {
  const { width, height, leafCount, leafMap, firstLeaf, lastLeaf } = tree;
  const start = new Int32Array(leafCount + 1);
  for (const leaf of leafMap) start[leaf + 1]++;
  for (let leaf = 0; leaf < leafCount; leaf++) start[leaf + 1] += start[leaf];
  const next = start.slice();
  const pixels = new Int32Array(leafMap.length);
  for (let i = 0; i < leafMap.length; i++) pixels[next[leafMap[i]]++] = i;
  const stride = Math.ceil(width / 32);
  return nodes.map((node) => {
    const words = new Uint32Array(stride * height);
    for (let k = start[firstLeaf[node]]; k < start[lastLeaf[node] + 1]; k++) {
      const y = Math.floor(pixels[k] / width);
      const x = pixels[k] - y * width;
      words[y * stride + (x >> 5)] |= 1 << (x & 31);
    }
    return new Mask(width, height, words);
  });
}
