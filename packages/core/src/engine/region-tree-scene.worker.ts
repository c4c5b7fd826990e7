import { packMask, wordsPerRow } from "../mask/index.js";
import {
  paintNode,
  persistence,
  type RegionTree,
  regionsBetween,
  regionsWorthKeeping,
  segmentTree,
  stabilityOf,
} from "../region-tree/index.js";
import type { CollectedBatch, FoundMask, WholeImageOptions } from "../whole-image/index.js";
import { collectorOf } from "../whole-image/whole-image.worker.js";
import { treeOf } from "./region-tree.worker.js";

// Compute thread: masks of a whole image out of a region tree.

/** Answers clicks into a collector. Clicks of one batch that mean the same region give it once. */
export function collectClicks(
  id: number,
  run: number,
  points: readonly (readonly [number, number])[],
  granularity: number | null,
  { predictedIou }: WholeImageOptions,
): CollectedBatch {
  const tree = treeOf(id);
  const seen = new Set<number>();
  const masks = points.flatMap((point) => {
    const [x, y] = point;
    const prompt = { points: [{ x, y, label: 1 as const }], box: null, mask: null, granularity };
    const { nodes, score, stability } = segmentTree(tree, prompt);
    if (nodes.length !== 1 || seen.has(nodes[0]) || (predictedIou > 0 && !(score > predictedIou))) return [];
    seen.add(nodes[0]);
    return [{ node: nodes[0], stability, predictedIou: score, point }];
  });
  const { width, height } = tree;
  const claims = function* () {
    for (const { node, ...claim } of masks) {
      const words = new Uint32Array(wordsPerRow(width) * height);
      paintNode(tree, node, words, wordsPerRow(width), 0, 0);
      yield { ...claim, words };
    }
  };
  return collectorOf(run).add(claims(), points);
}

/** Puts the regions worth keeping into a collector: those that own a pixel between the lowest and the highest level. */
export function collectRegions(id: number, run: number, options: WholeImageOptions): CollectedBatch {
  const tree = treeOf(id);
  const { levels, minRegionArea, predictedIou, stability: leastStability } = options;
  const dial = levels.map((level) => level ?? 1);
  const all = regionsWorthKeeping(tree, minRegionArea);
  const chosen = regionsBetween(tree, all, Math.min(...dial), Math.max(...dial));
  const found = chosen.map(({ node, granularity }): FoundMask => {
    const { mask, point } = packNode(tree, node);
    const cropBox = [0, 0, tree.width, tree.height] as const;
    const score = persistence(tree, node);
    const stability = stabilityOf(tree, node);
    return { mask, predictedIou: score, stability, level: 0, granularity, point, cropBox };
  });
  const sure = found.filter(
    (region) =>
      (predictedIou === 0 || region.predictedIou > predictedIou) && region.stability >= leastStability,
  );
  return collectorOf(run).addRegions(sure);
}

/** A node's mask, made from its box alone, and its first pixel. */
function packNode(tree: RegionTree, node: number) {
  const [x0, y0, x1, y1] = tree.boxes.subarray(4 * node, 4 * node + 4);
  const stride = wordsPerRow(x1 - x0);
  const words = new Uint32Array(stride * (y1 - y0));
  paintNode(tree, node, words, stride, x0, y0);
  const mask = packMask(words, x1 - x0, y1 - y0, { x: x0, y: y0, width: tree.width, height: tree.height });
  let x = x0;
  const first = tree.firstLeaf[node];
  while (tree.leafMap[y0 * tree.width + x] < first || tree.leafMap[y0 * tree.width + x] > tree.lastLeaf[node])
    x++;
  return { mask, point: [x + 0.5, y0 + 0.5] as const };
}
