import { matchBoundaries, TOLERANCE } from "./boundary-matching.js";

/** Counts behind precision and recall; they add up over images. */
export interface BoundaryCounts {
  /** Predicted boundary pixels with a partner in any annotator's map, and all of them. */
  readonly matchedPredicted: number;
  readonly predicted: number;
  /** Annotated boundary pixels with a partner, summed over the annotators, and all of them. */
  readonly matchedWanted: number;
  readonly wanted: number;
}

export interface PrecisionRecall {
  readonly precision: number;
  readonly recall: number;
  /** Harmonic mean. */
  readonly f: number;
}

/**
 * Compares a segmentation's boundaries with those of each annotator, within 0.0075 of the diagonal (Martin et al. 2004).
 * A predicted pixel is right if any annotator has it; every annotator's pixels are to be found.
 */
export function boundaryCounts(
  predicted: Uint8Array,
  wanted: readonly Uint8Array[],
  width: number,
  height: number,
): BoundaryCounts {
  const tolerance = TOLERANCE * Math.hypot(width, height);
  const matched = new Uint8Array(predicted.length);
  let matchedWanted = 0;
  for (const map of wanted) {
    const match = matchBoundaries(predicted, map, width, height, tolerance);
    matchedWanted += match.pairs;
    for (let i = 0; i < matched.length; i++) matched[i] |= match.predicted[i];
  }
  const total = (map: Uint8Array) => map.reduce((sum, value) => sum + value, 0);
  return {
    matchedPredicted: total(matched),
    predicted: total(predicted),
    matchedWanted,
    wanted: wanted.reduce((sum, map) => sum + total(map), 0),
  };
}

/** No boundary predicted: precision 1 where none was wanted either, else 0. */
export function precisionRecall(counts: BoundaryCounts): PrecisionRecall {
  const { matchedPredicted, predicted, matchedWanted, wanted } = counts;
  const recall = wanted === 0 ? 1 : matchedWanted / wanted;
  const precision = predicted === 0 ? (wanted === 0 ? 1 : 0) : matchedPredicted / predicted;
  return {
    precision,
    recall,
    f: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
  };
}

export function addCounts(all: readonly BoundaryCounts[]): BoundaryCounts {
  const sum = (pick: (counts: BoundaryCounts) => number) =>
    all.reduce((total, counts) => total + pick(counts), 0);
  return {
    matchedPredicted: sum((counts) => counts.matchedPredicted),
    predicted: sum((counts) => counts.predicted),
    matchedWanted: sum((counts) => counts.matchedWanted),
    wanted: sum((counts) => counts.wanted),
  };
}

/**
 * ODS: the one segmentation (threshold of the fused map, or scale) that is best on the whole set. OIS: each image's own
 * best, counts added up (Arbeláez et al., TPAMI 33:898–916, 2011, section 3.3). `images`: counts of each segmentation,
 * fine to coarse, of each image.
 */
export function boundarySummary(images: readonly (readonly BoundaryCounts[])[]): {
  readonly curve: PrecisionRecall[];
  readonly ods: PrecisionRecall & { readonly segmentation: number };
  readonly ois: PrecisionRecall;
} {
  const curve = images[0].map((_, k) => precisionRecall(addCounts(images.map((counts) => counts[k]))));
  const best = curve.reduce((top, { f }, k) => (f > curve[top].f ? k : top), 0);
  const own = images.map((counts) =>
    counts.reduce((top, one) => (precisionRecall(one).f > precisionRecall(top).f ? one : top)),
  );
  return { curve, ods: { ...curve[best], segmentation: best }, ois: precisionRecall(addCounts(own)) };
}
