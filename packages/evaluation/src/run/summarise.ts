import type { MethodInfo } from "../methods/method.js";
import { RECALL_THRESHOLDS } from "../metrics/average-recall.js";
import { bootstrapInterval } from "../metrics/bootstrap.js";
import { boundarySummary, type PrecisionRecall } from "../metrics/boundary-scores.js";
import { calibrationError } from "../metrics/calibration-error.js";
import { clicksUntil, NOC_TARGETS } from "../metrics/interactive.js";
import { mean, median } from "../metrics/iou.js";
import type { NamedValues } from "../metrics/paired-bootstrap.js";
import { rankCorrelation } from "../metrics/rank-correlation.js";
import { SIZE_BOUNDS, sizeClass } from "../metrics/region-size.js";
import type { ClickScore } from "./score-click.js";
import type { ImageScore } from "./score-image.worker.js";
import type { WholeImageScore } from "./score-whole-image.js";

type Interval = readonly [low: number, high: number];

/** Three readings of one ladder: one level for the whole set, the method's own choice, the best in hindsight. */
export interface Triple<Value> {
  /** The one level that is best on the whole set, chosen in hindsight. */
  readonly fixed: Value;
  /** The method's own choice; a method that makes none has `fixed` here. */
  readonly auto: Value;
  /** The best answer of each click. */
  readonly oracle: Value;
}

/** Figures of one method on one data set; null: not asked for, or not defined for this method or set. */
export interface Summary {
  readonly images: number;
  readonly clicks: number;
  readonly meanIou: Triple<number | null>;
  readonly meanIouInterval: Triple<Interval | null>;
  /** The level behind `fixed`; null without granularity. */
  readonly fixedGranularity: number | null;
  readonly autoIsFixed: boolean;
  readonly iouByGranularity: readonly { readonly granularity: number; readonly meanIou: number }[];
  readonly iouBySize: readonly SizeSummary[];
  readonly granularity: GranularitySummary | null;
  readonly interactive: { readonly dial: NocSummary | null; readonly auto: NocSummary | null } | null;
  readonly averageRecall: RecallSummary | null;
  readonly boundary: BoundarySummary | null;
  readonly partition: PartitionSummary | null;
}

export interface SizeSummary {
  /** Region's share of the image, from … to (1 at most). */
  readonly from: number;
  readonly to: number;
  readonly clicks: number;
  readonly meanIou: Triple<number>;
}

export interface GranularitySummary {
  /** Spearman's correlation of granularity and mask area; clicks whose area never changes have none. */
  readonly rankCorrelation: { readonly median: number | null; readonly clicks: number };
  /** Share of area outside the next coarser answer, over all clicks. */
  readonly nestingViolation: number | null;
  /** Mean distance between the chosen and the best level; null where nothing is chosen. */
  readonly calibrationError: number | null;
}

export interface NocSummary {
  /** Mean IoU after the first click. */
  readonly oneClickIou: number;
  /** Mean number of clicks to reach the IoU, 20 where it is not reached. */
  readonly noc80: number;
  readonly noc85: number;
  readonly noc90: number;
  /** Share of regions that do not reach IoU 0.9 in 20 clicks. */
  readonly failures90: number;
}

export interface RecallSummary {
  /** AR@1000. */
  readonly value: number;
  readonly byIou: readonly { readonly iou: number; readonly recall: number }[];
  readonly regions: number;
  /** Mean number of proposals an image. */
  readonly proposals: number;
}

export interface BoundarySummary {
  readonly ods: PrecisionRecall;
  readonly ois: PrecisionRecall;
  readonly curve: readonly PrecisionRecall[];
}

export interface PartitionSummary {
  readonly covering: { readonly ods: number; readonly ois: number; readonly best: number };
  readonly probabilisticRandIndex: { readonly ods: number; readonly ois: number };
  readonly variationOfInformation: { readonly ods: number; readonly ois: number };
}

export function summarise(images: readonly ImageScore[], info: MethodInfo, seed: number): Summary {
  const clicks = images.flatMap((image) => image.clicks);
  const readings = clickReadings(clicks, info);
  const groups = images.map((image) => clickIous(image.clicks, readings));
  const all = groups.flat();
  const pick = <Value>(reading: (key: keyof Triple<unknown>) => Value): Triple<Value> => ({
    fixed: reading("fixed"),
    auto: reading("auto"),
    oracle: reading("oracle"),
  });
  return {
    images: images.length,
    clicks: clicks.length,
    meanIou: pick((key) => (all.length > 0 ? mean(all.map((triple) => triple[key])) : null)),
    meanIouInterval: pick((key) =>
      bootstrapInterval(
        groups.map((group) => group.map((triple) => triple[key])),
        seed,
      ),
    ),
    fixedGranularity: readings.fixedLevel === null ? null : (info.levels[readings.fixedLevel] ?? null),
    autoIsFixed: !info.chooses,
    iouByGranularity:
      clicks.length === 0
        ? []
        : info.levels.map((granularity, k) => ({
            granularity,
            meanIou: mean(clicks.map((click) => click.ious[k])),
          })),
    iouBySize: bySize(clicks, all),
    granularity: info.levels.length > 1 && clicks.length > 0 ? granularitySummary(clicks, info.levels) : null,
    interactive: interactiveSummary(clicks),
    averageRecall: recallSummary(images.map(({ whole }) => whole.recall)),
    boundary: boundarySummaryOf(images),
    partition: partitionSummary(images),
  };
}

/** The IoU of each click under each reading, by image and click, for comparisons of methods. */
export function clickValues(images: readonly ImageScore[], info: MethodInfo): Triple<NamedValues> {
  const readings = clickReadings(
    images.flatMap(({ clicks }) => clicks),
    info,
  );
  const named = images.map(({ image, clicks }) => ({
    image,
    names: clicks.map(({ annotator, region, x, y }) => `${annotator}/${region}/${x}/${y}`),
    values: clickIous(clicks, readings),
  }));
  const of = (key: keyof Triple<unknown>): NamedValues =>
    new Map(
      named.map(({ image, names, values }) => [
        image,
        new Map(names.map((name, k) => [name, values[k][key]])),
      ]),
    );
  return { fixed: of("fixed"), auto: of("auto"), oracle: of("oracle") };
}

interface Readings {
  /** Index on the ladder; null where there is no granularity, and the method's own choice is all there is. */
  readonly fixedLevel: number | null;
}

/** Which level is best on the whole set. */
function clickReadings(clicks: readonly ClickScore[], info: MethodInfo): Readings {
  if (info.levels.length === 0 || clicks.length === 0) return { fixedLevel: null };
  const byLevel = info.levels.map((_, k) => mean(clicks.map((click) => click.ious[k])));
  return { fixedLevel: byLevel.indexOf(Math.max(...byLevel)) };
}

function clickIous(clicks: readonly ClickScore[], { fixedLevel }: Readings): Triple<number>[] {
  return clicks.map(({ ious, auto }) => {
    const fixed = fixedLevel === null ? auto!.iou : ious[fixedLevel];
    return { fixed, auto: auto?.iou ?? fixed, oracle: Math.max(...ious) };
  });
}

function bySize(clicks: readonly ClickScore[], ious: readonly Triple<number>[]): SizeSummary[] {
  const bounds = [0, ...SIZE_BOUNDS, 1];
  return bounds.slice(0, -1).flatMap((from, k) => {
    const members = ious.filter((_, i) => sizeClass(clicks[i].share) === k);
    if (members.length === 0) return [];
    const meanOf = (key: keyof Triple<number>) => mean(members.map((triple) => triple[key]));
    const meanIou = { fixed: meanOf("fixed"), auto: meanOf("auto"), oracle: meanOf("oracle") };
    return [{ from, to: bounds[k + 1], clicks: members.length, meanIou }];
  });
}

function granularitySummary(clicks: readonly ClickScore[], levels: readonly number[]): GranularitySummary {
  const correlations = clicks
    .map(({ areas }) => rankCorrelation(levels, areas))
    .filter((rho) => rho !== null);
  const outside = clicks.reduce((sum, click) => sum + (click.nesting?.outside ?? 0), 0);
  const area = clicks.reduce((sum, click) => sum + (click.nesting?.area ?? 0), 0);
  const errors = clicks.flatMap(({ auto, ious }) =>
    auto?.granularity == null ? [] : [calibrationError(auto.granularity, levels, ious)],
  );
  return {
    rankCorrelation: {
      median: correlations.length > 0 ? median(correlations) : null,
      clicks: correlations.length,
    },
    nestingViolation: area > 0 ? outside / area : null,
    calibrationError: errors.length > 0 ? mean(errors) : null,
  };
}

function interactiveSummary(clicks: readonly ClickScore[]): Summary["interactive"] {
  const runs = clicks.flatMap(({ interactive }) => (interactive ? [interactive] : []));
  if (runs.length === 0) return null;
  const reading = (key: "dial" | "auto") => {
    const lists = runs.flatMap((run) => (run[key] ? [run[key]] : []));
    return lists.length > 0 ? nocSummary(lists) : null;
  };
  return { dial: reading("dial"), auto: reading("auto") };
}

function nocSummary(runs: readonly (readonly number[])[]): NocSummary {
  const [noc80, noc85, noc90] = NOC_TARGETS.map((target) =>
    mean(runs.map((ious) => clicksUntil(ious, target))),
  );
  const failed = runs.filter((ious) => Math.max(...ious) < NOC_TARGETS[2]).length;
  return {
    oneClickIou: mean(runs.map(([first]) => first)),
    noc80,
    noc85,
    noc90,
    failures90: failed / runs.length,
  };
}

/** AR over all images; null where no image has a region. */
export function recallSummary(images: readonly WholeImageScore["recall"][]): RecallSummary | null {
  const counts = images.filter((recall) => recall !== null);
  const regions = counts.reduce((sum, count) => sum + count.regions, 0);
  if (regions === 0) return null;
  const byIou = RECALL_THRESHOLDS.map((iou, k) => ({
    iou,
    recall: counts.reduce((sum, { found }) => sum + found[k], 0) / regions,
  }));
  return {
    value: mean(byIou.map(({ recall }) => recall)),
    byIou,
    regions,
    proposals: mean(counts.map(({ proposals }) => proposals)),
  };
}

function boundarySummaryOf(images: readonly ImageScore[]): BoundarySummary | null {
  const counts = images.flatMap(({ whole }) => (whole.boundary ? [whole.boundary] : []));
  if (counts.length === 0) return null;
  const { ods, ois, curve } = boundarySummary(counts);
  const { precision, recall, f } = ods;
  return { ods: { precision, recall, f }, ois, curve };
}

/** ODS: the segmentation that is best on the whole set; OIS: the mean of each image's best. */
function partitionSummary(images: readonly ImageScore[]): PartitionSummary | null {
  const scores = images.flatMap(({ whole }) => (whole.partition ? [whole.partition] : []));
  if (scores.length === 0) return null;
  const optimal = (rows: readonly (readonly number[])[], best: (...values: number[]) => number) => ({
    ods: best(...rows[0].map((_, k) => mean(rows.map((row) => row[k])))),
    ois: mean(rows.map((row) => best(...row))),
  });
  return {
    covering: {
      ...optimal(
        scores.map((score) => score.covering),
        Math.max,
      ),
      best: mean(scores.map((score) => score.bestCovering)),
    },
    probabilisticRandIndex: optimal(
      scores.map((score) => score.randIndex),
      Math.max,
    ),
    variationOfInformation: optimal(
      scores.map((score) => score.variationOfInformation),
      Math.min,
    ),
  };
}
