import type { Mask } from "@unsam/core/mask";
import type { Prompt } from "@unsam/core/prompt";
import {
  buildRegionTree,
  chain,
  type RegionTree,
  type RegionTreeOptions,
  segmentTree,
  treeMask,
} from "@unsam/core/region-tree";
import { drawClicks } from "../datasets/clicks/draw-clicks.js";
import type { Click, Dataset } from "../datasets/dataset.js";
import { readPhoto } from "../datasets/read-photo.js";
import { readTruth, type Truth } from "../datasets/read-truth.js";
import { nodeMasks, prepareTree, regionTreeMethod } from "../methods/region-tree.js";
import { maskIou, mean } from "../metrics/iou.js";
import { chooseImages, dialLevels } from "../run/evaluate.js";
import { type ClickScore, regionOf, scoreClick } from "../run/score-click.js";
import { summarise } from "../run/summarise.js";

/** What the tree holds and how it answers, beyond what any method is measured by. */
export interface RegionTreeReport {
  readonly dataset: string;
  readonly images: number;
  readonly clicks: number;
  /** Mean IoU over the clicks of the best of all ancestors of the clicked leaf. */
  readonly oracle: number;
  /** Best of the ten granularities of each click. */
  readonly oracleOfLevels: number;
  /** The one granularity that is best on the whole set, chosen in hindsight. */
  readonly bestLevel: { readonly granularity: number; readonly iou: number };
  readonly auto: number;
  /** Prompted by the wanted region's bounding box, and by the region itself as a mask. */
  readonly box: number;
  readonly mask: number;
  /** Clicks whose chain of ancestors does not strictly grow in area; 0 is right. */
  readonly brokenChains: number;
  /** Building the tree, milliseconds of processor time a photo. */
  readonly milliseconds: { readonly median: number; readonly slowest: number };
  /** Mean number of leaves. */
  readonly leaves: number;
}

const NO_MEASURES = { interactive: false, recall: false, boundary: false, partition: false };
const LEVELS = dialLevels(10);

interface TreeScore {
  readonly oracle: number;
  readonly box: number;
  readonly mask: number;
  readonly growing: boolean;
}

/** Scores the tree on a data set's fixed clicks; with `limit`, on that many images spread evenly over it. */
export async function evaluateRegionTree(
  dataset: Dataset,
  { limit, tree: options }: { limit?: number; tree?: RegionTreeOptions } = {},
  progress: (done: number, total: number) => void = () => {},
): Promise<RegionTreeReport> {
  const { info } = regionTreeMethod(LEVELS, options);
  const images = chooseImages(dataset, limit ?? null, NO_MEASURES);
  const scores: TreeScore[] = [];
  const scored: { image: string; clicks: ClickScore[] }[] = [];
  const times: number[] = [];
  const leaves: number[] = [];
  for (const [done, image] of images.entries()) {
    progress(done, images.length);
    const { photo } = await readPhoto(image);
    // Time on the processor rather than on the clock: what else the machine does must not count.
    const start = process.cpuUsage();
    const tree = buildRegionTree(photo, options);
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
    leaves.push(tree.leafCount);
    const truth = await readTruth(image, dataset.voidLabels, photo);
    const prepared = prepareTree(tree, LEVELS);
    const clicks: ClickScore[] = [];
    for (const click of image.clicks ?? drawClicks(truth, image.name, 1)) {
      clicks.push(await scoreClick(prepared, info, truth, click, false));
      scores.push(scoreTree(tree, truth, click));
    }
    scored.push({ image: image.name, clicks });
  }
  progress(images.length, images.length);
  const whole = { recall: null, boundary: null, partition: null };
  const summary = summarise(
    scored.map((image) => ({ ...image, whole, notes: [] })),
    info,
    1,
  );
  times.sort((a, b) => a - b);
  return {
    dataset: dataset.name,
    images: images.length,
    clicks: scores.length,
    oracle: mean(scores.map((score) => score.oracle)),
    oracleOfLevels: summary.meanIou.oracle ?? Number.NaN,
    bestLevel: {
      granularity: summary.fixedGranularity ?? Number.NaN,
      iou: summary.meanIou.fixed ?? Number.NaN,
    },
    auto: summary.meanIou.auto ?? Number.NaN,
    box: mean(scores.map((score) => score.box)),
    mask: mean(scores.map((score) => score.mask)),
    brokenChains: scores.filter((score) => !score.growing).length,
    milliseconds: { median: times[times.length >> 1], slowest: times[times.length - 1] },
    leaves: mean(leaves),
  };
}

/** What only the tree can be asked: all ancestors of the clicked leaf, and prompts made of the region itself. */
function scoreTree(tree: RegionTree, truth: Truth, click: Click): TreeScore {
  const region = regionOf(truth, click);
  const iou = (mask: Mask) => maskIou(mask, region, truth.counted);
  const answer = (prompt: Partial<Prompt>) =>
    iou(
      treeMask(tree, segmentTree(tree, { points: [], box: null, mask: null, granularity: null, ...prompt })),
    );
  const { x, y, width, height } = region.bbox;
  const steps = chain(tree, tree.leafMap[click.y * tree.width + click.x]);
  const ancestors = nodeMasks(
    tree,
    steps.map(({ node }) => node),
  );
  return {
    oracle: Math.max(...ancestors.map(iou)),
    box: answer({ box: [x, y, x + width, y + height] }),
    mask: answer({ mask: region }),
    growing: steps.every((step, k) => k === 0 || step.area > steps[k - 1].area),
  };
}
