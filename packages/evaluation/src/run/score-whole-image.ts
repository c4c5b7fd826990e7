import type { Truth } from "../datasets/read-truth.js";
import type { MethodImage, WholeImage } from "../methods/method.js";
import { recalled } from "../metrics/average-recall.js";
import { boundaryMap } from "../metrics/boundary-map.js";
import { type BoundaryCounts, boundaryCounts } from "../metrics/boundary-scores.js";
import { contingency } from "../metrics/contingency.js";
import { bestIous, covering } from "../metrics/covering.js";
import { mean } from "../metrics/iou.js";
import type { Measures } from "../metrics/measures.js";
import { randIndex } from "../metrics/rand-index.js";
import { variationOfInformation } from "../metrics/variation-of-information.js";

/** What of a whole image was asked for, and where method and truth allow it. */
export interface WholeImageScore {
  readonly recall: {
    readonly found: readonly number[];
    readonly regions: number;
    readonly proposals: number;
  } | null;
  /** One entry per segmentation, fine to coarse. */
  readonly boundary: readonly BoundaryCounts[] | null;
  readonly partition: PartitionScore | null;
}

/** Means over the annotators, one entry per segmentation, fine to coarse. */
export interface PartitionScore {
  readonly covering: readonly number[];
  readonly randIndex: readonly number[];
  /** Bits. */
  readonly variationOfInformation: readonly number[];
  /** Covering where each region takes its best segment from any of the segmentations. */
  readonly bestCovering: number;
}

const PROPOSALS = 1000;

export async function scoreWholeImage(
  image: MethodImage,
  truth: Truth,
  measures: Measures,
): Promise<WholeImageScore> {
  const asked = measures.recall || measures.boundary || measures.partition;
  const whole = asked ? await image.wholeImage() : null;
  if (!whole) return { recall: null, boundary: null, partition: null };
  const exclusive = truth.annotations.every(({ labels }) => labels !== null);
  return {
    recall: measures.recall ? await scoreRecall(whole, truth) : null,
    boundary: measures.boundary && exclusive ? scoreBoundary(whole, truth) : null,
    partition: measures.partition && exclusive ? scorePartition(whole, truth) : null,
  };
}

/** Each annotator's regions are found, or not, apart from the others'. */
async function scoreRecall(whole: WholeImage, truth: Truth): Promise<WholeImageScore["recall"]> {
  const proposals = await whole.proposals(PROPOSALS);
  let found: number[] | null = null;
  let regions = 0;
  for (const annotation of truth.annotations) {
    const counts = recalled(proposals, annotation.regions.values(), truth.counted);
    found = found ? found.map((count, k) => count + counts[k]) : counts;
    regions += annotation.regions.size;
  }
  return { found: found ?? [], regions, proposals: proposals.length };
}

function scoreBoundary(whole: WholeImage, truth: Truth): BoundaryCounts[] {
  const { width, height, counted } = truth;
  const wanted = truth.annotations.map(({ labels }) => boundaryMap(labels!.data, width, height, counted));
  return Array.from({ length: whole.segmentations }, (_, k) =>
    boundaryCounts(boundaryMap(whole.labels(k), width, height, counted), wanted, width, height),
  );
}

function scorePartition(whole: WholeImage, truth: Truth): PartitionScore {
  const best = truth.annotations.map(() => new Map<number, number>());
  const sizes = truth.annotations.map(() => new Map<number, number>());
  const rows = Array.from({ length: whole.segmentations }, (_, k) => {
    const labels = whole.labels(k);
    return truth.annotations.map(({ labels: wanted }, a) => {
      const table = contingency(labels, wanted!.data, truth.counted);
      for (const [region, size] of table.second) sizes[a].set(region, size);
      for (const [region, iou] of bestIous(table))
        best[a].set(region, Math.max(iou, best[a].get(region) ?? 0));
      return {
        covering: covering(table),
        randIndex: randIndex(table),
        variationOfInformation: variationOfInformation(table),
      };
    });
  });
  const bestCoverings = best.map((ious, a) => {
    const total = [...sizes[a].values()].reduce((sum, size) => sum + size, 0);
    return [...ious].reduce((sum, [region, iou]) => sum + sizes[a].get(region)! * iou, 0) / total;
  });
  return {
    covering: rows.map((row) => mean(row.map((scores) => scores.covering))),
    randIndex: rows.map((row) => mean(row.map((scores) => scores.randIndex))),
    variationOfInformation: rows.map((row) => mean(row.map((scores) => scores.variationOfInformation))),
    bestCovering: mean(bestCoverings),
  };
}
