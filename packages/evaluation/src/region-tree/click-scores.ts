import { Mask } from "@unsam/core/mask";
import type { Prompt } from "@unsam/core/prompt";
import { chain, type RegionTree, segmentTree } from "@unsam/core/region-tree";
import type { Click, LabelMap } from "../datasets/dataset.js";
import { iouOfCounts } from "../metrics/iou.js";

/** IoU with the wanted region of what the tree can answer to one click. */
export interface ClickScores {
  /** Best of all ancestors of the clicked leaf. */
  readonly oracle: number;
  /** At granularity 0.1, 0.2 … 1.0. */
  readonly levels: readonly number[];
  /** At granularity "auto". */
  readonly auto: number;
  /** For the bounding box of the wanted region as prompt, without the click. */
  readonly box: number;
  /** For the wanted region itself as mask prompt: what the leaves can express. */
  readonly mask: number;
  /** Whether areas strictly grow along the chain of ancestors. */
  readonly growing: boolean;
}

export const LEVELS = Array.from({ length: 10 }, (_, k) => (k + 1) / 10);

/** `ignoreZero` leaves pixels labelled 0 out of the region and of the answers. */
export function scoreClick(
  tree: RegionTree,
  labels: LabelMap,
  click: Click,
  ignoreZero: boolean,
): ClickScores {
  // Sums over leaves up to each leaf: a node is a range of leaves, so its counts are differences.
  const common = new Float64Array(tree.leafCount + 1);
  const counted = new Float64Array(tree.leafCount + 1);
  const region = new Uint8Array(labels.data.length);
  let wanted = 0;
  for (let i = 0; i < labels.data.length; i++) {
    const label = labels.data[i];
    if (ignoreZero && label === 0) continue;
    const leaf = tree.leafMap[i];
    counted[leaf + 1]++;
    if (label === click.region) {
      common[leaf + 1]++;
      region[i] = 1;
      wanted++;
    }
  }
  for (let leaf = 0; leaf < tree.leafCount; leaf++) {
    common[leaf + 1] += common[leaf];
    counted[leaf + 1] += counted[leaf];
  }
  const iou = (nodes: readonly number[]) => {
    let both = 0;
    let predicted = 0;
    for (const node of nodes) {
      both += common[tree.lastLeaf[node] + 1] - common[tree.firstLeaf[node]];
      predicted += counted[tree.lastLeaf[node] + 1] - counted[tree.firstLeaf[node]];
    }
    return iouOfCounts(both, predicted, wanted);
  };
  const empty: Prompt = { points: [], box: null, mask: null, granularity: null };
  const points = [{ x: click.x, y: click.y, label: 1 as const }];
  const answer = (prompt: Partial<Prompt>) => iou(segmentTree(tree, { ...empty, ...prompt }).nodes);
  const mask = Mask.fromBytes(labels.width, labels.height, region);
  const { x, y, width, height } = mask.bbox;
  const steps = chain(tree, tree.leafMap[click.y * tree.width + click.x]);
  return {
    oracle: Math.max(...steps.map((step) => iou([step.node]))),
    levels: LEVELS.map((granularity) => answer({ points, granularity })),
    auto: answer({ points, granularity: "auto" }),
    box: answer({ box: [x, y, x + width, y + height] }),
    mask: answer({ mask }),
    growing: steps.every((step, k) => k === 0 || step.area > steps[k - 1].area),
  };
}
