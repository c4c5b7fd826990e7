import type { MessagePort } from "node:worker_threads";
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
import { callersAbort } from "../runtime/callers-abort.js";
import type { ProposedMask, WholeImageOptions } from "../whole-image/index.js";
import { sendBatch } from "../whole-image/proposals.js";
import { isConfident, isStable } from "../whole-image/score-thresholds.js";
import { SLICE_MS } from "./region-tree.worker.js";

// Worker side: masks of a whole image out of a region tree. The thread answers clicks too, so each call ends after a
// slice of time and says how far it has come.

/**
 * Sends through the port the regions that clicks of one granularity mean. Clicks that mean the same region give it once; `seen`: nodes
 * that earlier clicks have found. `done`: how many of the clicks were taken up, at least one.
 */
export function proposeByClicks(
  tree: RegionTree,
  points: readonly (readonly [number, number])[],
  granularity: number | null,
  options: WholeImageOptions,
  seen: readonly number[],
  port: MessagePort,
) {
  const until = performance.now() + SLICE_MS;
  const known = new Set(seen);
  const masks: ProposedMask[] = [];
  let done = 0;
  while (done < points.length && (done === 0 || performance.now() < until)) {
    callersAbort.throwIfAborted();
    const point = points[done++];
    const [x, y] = point;
    const prompt = { points: [{ x, y, label: 1 as const }], box: null, mask: null, granularity };
    const { nodes, score, stability } = segmentTree(tree, prompt);
    if (nodes.length !== 1 || known.has(nodes[0]) || !isConfident(score, options)) continue;
    known.add(nodes[0]);
    const { mask } = packNode(tree, nodes[0]);
    masks.push({ mask, predictedIou: score, stability, granularity: null, point });
  }
  sendBatch(port, { kind: "masks", masks });
  return { done, seen: [...known] };
}

/** A region worth keeping, before its mask is made. */
export interface ChosenRegion {
  readonly node: number;
  readonly granularity: number;
  readonly predictedIou: number;
  readonly stability: number;
}

/** The regions worth keeping that own a pixel between the lowest and the highest level. */
export function chooseRegions(tree: RegionTree, options: WholeImageOptions): ChosenRegion[] {
  const { levels, minRegionArea } = options;
  const granularities = levels.map((level) => level ?? 1);
  const all = regionsWorthKeeping(tree, minRegionArea);
  const chosen = regionsBetween(tree, all, Math.min(...granularities), Math.max(...granularities));
  return chosen
    .map(({ node, granularity }) => ({
      node,
      granularity,
      predictedIou: persistence(tree, node),
      stability: stabilityOf(tree, node),
    }))
    .filter(
      ({ predictedIou, stability }) => isConfident(predictedIou, options) && isStable(stability, options),
    );
}

/** Sends through the port the masks of the first of these regions, at least one; how many they are. */
export function proposeRegions(
  tree: RegionTree,
  regions: readonly ChosenRegion[],
  port: MessagePort,
): number {
  const until = performance.now() + SLICE_MS;
  const masks: ProposedMask[] = [];
  for (const { node, ...claims } of regions) {
    if (masks.length > 0 && performance.now() >= until) break;
    callersAbort.throwIfAborted();
    masks.push({ ...packNode(tree, node), ...claims });
  }
  sendBatch(port, { kind: "masks", masks });
  return masks.length;
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
