import type { BoundaryStrength } from "./boundary-strength.js";
import { doubleSize } from "./boundary-strength.js";
import type { Superpixels } from "./superpixels.js";

/**
 * What a trained network sees in the working image: cues beside those the tree computes itself. Planes are at half size:
 * the cell (x, y) covers the pixels (2x, 2y) to (2x + 1, 2y + 1). Plain arrays, it crosses threads as it is.
 */
export interface LearnedCues {
  /** Cells across and down; at least half the working image, rounded up. */
  readonly columns: number;
  readonly rows: number;
  /** Probability that a border of any two regions runs through each cell, [rows, columns]. */
  readonly border: Float32Array;
  /** How high in the part–whole tree that border lies, 0…1; 0 off the borders, [rows, columns]. */
  readonly height: Float32Array;
  /** Place of each cell in the metric embedding, distances about 0…2, [dimensions, rows, columns]. */
  readonly metric: Float32Array;
  readonly dimensions: number;
}

/** How much the learned cues count. */
export const LEARNED_WEIGHTS = {
  /** Share of the learned border in the relief that superpixels are cut from. */
  relief: 0.15,
  /** In the boundary strength that merging goes by: what the tree sees itself, and the two learned maps. */
  merging: { seen: 0.8, border: 0, height: 0.4 },
  /**
   * The same in the contrast of outlines, which tells what stands by itself. Half, because trees grown by learned cues are
   * lower; without the learned maps, which see the parts of a cell as well as the cell.
   */
  contrast: { seen: 0.5, border: 0, height: 0 },
  /** Weight of the metric distance in the cost of a merge. */
  metric: 0.5,
};

export interface LearnedBorders extends BoundaryStrength {
  /** How much an outline through each pixel stands out, about 0…1, [height, width]. */
  readonly contrast: Float32Array;
}

/** Boundary strength, contrast and relief with the learned borders mixed in, [height, width]. */
export function withLearnedBorders(
  seen: BoundaryStrength,
  learned: LearnedCues,
  width: number,
  height: number,
): LearnedBorders {
  const { relief, merging, contrast } = LEARNED_WEIGHTS;
  const border = doubleSize(learned.border, learned.columns, learned.rows, width, height);
  const high = doubleSize(learned.height, learned.columns, learned.rows, width, height);
  const mix = (w: typeof merging) =>
    seen.strength.map((own, i) => w.seen * own + w.border * border[i] + w.height * high[i]);
  return {
    strength: mix(merging),
    contrast: mix(contrast),
    relief: seen.relief.map((own, i) => (1 - relief) * own + relief * border[i]),
  };
}

/** Mean of the metric over each region, [count, dimensions]. `width`: of the working image. */
export function regionMetric(
  { labels, count }: Superpixels,
  { metric, dimensions, columns, rows }: LearnedCues,
  width: number,
): Float32Array {
  const means = new Float32Array(count * dimensions);
  const size = new Float64Array(count);
  const sum = new Float64Array(count);
  const cells = Int32Array.from(
    labels,
    (_, i) => (Math.floor(i / width) >> 1) * columns + ((i % width) >> 1),
  );
  for (const region of labels) size[region]++;
  for (let k = 0; k < dimensions; k++) {
    sum.fill(0);
    const plane = metric.subarray(k * rows * columns, (k + 1) * rows * columns);
    for (let i = 0; i < labels.length; i++) sum[labels[i]] += plane[cells[i]];
    for (let r = 0; r < count; r++) means[r * dimensions + k] = sum[r] / size[r];
  }
  return means;
}
