import { buildRegionTree, type RegionTreeOptions } from "@unsam/core/region-tree";
import { type Dataset, type LabelMap, readLabels, readRgb } from "../datasets/dataset.js";
import { mean } from "../metrics/iou.js";
import { type ClickScores, LEVELS, scoreClick } from "./click-scores.js";

export interface RegionTreeReport {
  readonly dataset: string;
  readonly images: number;
  readonly clicks: number;
  /** Mean IoU over the clicks. */
  readonly oracle: number;
  /** Best of the ten dial settings of each click. */
  readonly oracleOfLevels: number;
  /** The one dial setting that is best on the whole set, chosen in hindsight. */
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

/** Scores the tree on a data set's fixed clicks; with `limit`, on that many images spread evenly over it. */
export async function evaluateRegionTree(
  dataset: Dataset,
  { limit, tree: options }: { limit?: number; tree?: RegionTreeOptions } = {},
  progress: (done: number, total: number) => void = () => {},
): Promise<RegionTreeReport> {
  const clicked = [...new Set(dataset.clicks.map((click) => click.image))];
  const count = Math.min(limit ?? clicked.length, clicked.length);
  const images = Array.from({ length: count }, (_, k) => clicked[Math.floor((k * clicked.length) / count)]);
  const scores: ClickScores[] = [];
  const times: number[] = [];
  const leaves: number[] = [];
  for (const [done, name] of images.entries()) {
    progress(done, images.length);
    const image = await readRgb(dataset.imageFile.get(name)!);
    // Time on the processor rather than on the clock: what else the machine does must not count.
    const start = process.cpuUsage();
    const tree = buildRegionTree(image, options);
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
    leaves.push(tree.leafCount);
    const maps = new Map<number, LabelMap>();
    for (const click of dataset.clicks) {
      if (click.image !== name) continue;
      const labels = maps.get(click.annotator) ?? (await readLabels(dataset, name, click.annotator));
      maps.set(click.annotator, labels);
      scores.push(scoreClick(tree, labels, click, dataset.ignoresZero));
    }
  }
  progress(images.length, images.length);
  const byLevel = LEVELS.map((_, k) => mean(scores.map((score) => score.levels[k])));
  const best = byLevel.indexOf(Math.max(...byLevel));
  times.sort((a, b) => a - b);
  return {
    dataset: dataset.name,
    images: images.length,
    clicks: scores.length,
    oracle: mean(scores.map((score) => score.oracle)),
    oracleOfLevels: mean(scores.map((score) => Math.max(...score.levels))),
    bestLevel: { granularity: LEVELS[best], iou: byLevel[best] },
    auto: mean(scores.map((score) => score.auto)),
    box: mean(scores.map((score) => score.box)),
    mask: mean(scores.map((score) => score.mask)),
    brokenChains: scores.filter((score) => !score.growing).length,
    milliseconds: { median: times[times.length >> 1], slowest: times[times.length - 1] },
    leaves: mean(leaves),
  };
}
