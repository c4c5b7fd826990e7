import { CHANNELS, COLOUR_CHANNELS, chiSquare } from "./channels.js";
import { power } from "./elementary.js";
import { LEARNED_WEIGHTS } from "./learned-cues.js";
import { PairQueue } from "./pair-queue.js";
import type { RegionFeatures, RegionGraph } from "./region-graph.js";
import type { SpectralCue } from "./spectral-cue.js";

/** The order in which regions were joined. Leaf i is node i; merge m makes node count + m. */
export interface Merges {
  /** Leaves. */
  readonly count: number;
  /** The two nodes each merge joined, [count − 1, 2]. */
  readonly children: Int32Array;
  /** Height of each merge, never falling along a branch, [count − 1]. */
  readonly heights: Float64Array;
  /** Border the two shared, in pixel sides, [count − 1]. */
  readonly border: Float64Array;
  /** Boundary strength summed over that border, [count − 1]. */
  readonly strength: Float64Array;
}

/** What merging compares: means over each region. */
export interface MergeFeatures extends RegionFeatures {
  /** Outline in pixel sides, the image's own edge left out, [count]. */
  readonly outline: Float64Array;
  /** Dimensions of the spectral embedding. */
  readonly dimensions: number;
  /** [count, dimensions] */
  readonly embedding: Float32Array;
  /** Dimensions of the learned metric; 0 without one. */
  readonly metricDimensions: number;
  /** [count, metricDimensions] */
  readonly metric: Float32Array;
}

export const MERGE_WEIGHTS = {
  sizePower: 0.2,
  enclosure: 0.15,
  boundary: 0.6,
  colour: 0.6,
  texture: 0.8,
  lab: 0.4,
  spectral: 1.2,
};

/** The weights beside a learned metric, which sees some of the same differences. */
export const LEARNED_MERGE_WEIGHTS = { ...MERGE_WEIGHTS, colour: 0.3, texture: 0.4 };

/** Region means with the spectral embedding: eigenvectors scaled by 1/√λ, relative to the first. */
export function mergeFeatures(
  graph: RegionGraph,
  features: RegionFeatures,
  cue: SpectralCue,
  metric: Float32Array | null = null,
): MergeFeatures {
  const { dimensions, values, vectors } = cue;
  const scale = Float64Array.from(values, (value) => Math.sqrt((values[0] + 1e-9) / (value + 1e-9)));
  const outline = new Float64Array(graph.count);
  graph.border.forEach((sides, edge) => {
    outline[graph.first[edge]] += sides;
    outline[graph.second[edge]] += sides;
  });
  return {
    ...features,
    outline,
    dimensions,
    embedding: Float32Array.from(vectors, (value, k) => value * scale[k % dimensions]),
    metricDimensions: metric ? metric.length / features.size.length : 0,
    metric: metric ?? new Float32Array(0),
  };
}

/**
 * What it costs to join two regions:
 * (share of the image of the smaller)^0.2 × (1 − 0.15 · the largest share of an outline that the two share)
 * × weighted differences across the border and between the means. `border`: what they share, in pixel sides;
 * `strength`: boundary strength summed over it.
 */
export function mergeCost(
  features: MergeFeatures,
  a: number,
  b: number,
  border: number,
  strength: number,
  imageSize: number,
): number {
  const { size, outline, channels, lab, embedding, dimensions } = features;
  const w = features.metricDimensions > 0 ? LEARNED_MERGE_WEIGHTS : MERGE_WEIGHTS;
  const p = a * CHANNELS;
  const q = b * CHANNELS;
  const colour = chiSquare(channels, p, channels, q, 0, COLOUR_CHANNELS) / 3;
  const texture = chiSquare(channels, p, channels, q, COLOUR_CHANNELS, CHANNELS);
  const dL = lab[a * 3] - lab[b * 3];
  const dA = lab[a * 3 + 1] - lab[b * 3 + 1];
  const dB = lab[a * 3 + 2] - lab[b * 3 + 2];
  const distance = Math.sqrt(dL * dL + dA * dA + dB * dB);
  let square = 0;
  for (let k = 0; k < dimensions; k++) {
    const d = embedding[a * dimensions + k] - embedding[b * dimensions + k];
    square += d * d;
  }
  const spectral = Math.sqrt(square);
  return (
    power(Math.min(size[a], size[b]) / imageSize, w.sizePower) *
    (1 - w.enclosure * (border / Math.min(outline[a], outline[b]))) *
    (w.boundary * (strength / border) +
      w.colour * colour +
      w.texture * texture +
      w.lab * (distance / (distance + 25)) +
      w.spectral * (spectral / (spectral + 1)) +
      learnedCost(features, a, b))
  );
}

/** The part of the cost that a learned metric adds: its distance between the means, saturating. */
function learnedCost({ metric, metricDimensions }: MergeFeatures, a: number, b: number): number {
  if (metricDimensions === 0) return 0;
  let square = 0;
  for (let k = 0; k < metricDimensions; k++) {
    const d = metric[a * metricDimensions + k] - metric[b * metricDimensions + k];
    square += d * d;
  }
  const distance = Math.sqrt(square);
  return LEARNED_WEIGHTS.metric * (distance / (distance + 1));
}

/** Joins the cheapest pair of touching regions until one is left. The graph must be connected. */
export function mergeRegions(graph: RegionGraph, start: MergeFeatures): Merges {
  const count = graph.count;
  // A merged region lives on in the slot of its larger part; the other slot dies.
  const features: MergeFeatures = {
    size: start.size.slice(),
    outline: start.outline.slice(),
    channels: start.channels.slice(),
    lab: start.lab.slice(),
    dimensions: start.dimensions,
    embedding: start.embedding.slice(),
    metricDimensions: start.metricDimensions,
    metric: start.metric.slice(),
  };
  const imageSize = features.size.reduce((sum, size) => sum + size, 0);
  const border = graph.border.slice();
  const strength = graph.strength.slice();
  const ends = [graph.first.slice(), graph.second.slice()];
  const alive = new Uint8Array(border.length).fill(1);
  const neighbours = Array.from({ length: count }, () => new Map<number, number>());
  const queue = new PairQueue(border.length);
  const offer = (edge: number) => {
    const a = ends[0][edge];
    const b = ends[1][edge];
    queue.offer(edge, mergeCost(features, a, b, border[edge], strength[edge], imageSize));
  };
  for (let edge = 0; edge < border.length; edge++) {
    neighbours[ends[0][edge]].set(ends[1][edge], edge);
    neighbours[ends[1][edge]].set(ends[0][edge], edge);
    offer(edge);
  }

  const node = Int32Array.from({ length: count }, (_, i) => i);
  const children = new Int32Array(Math.max(0, count - 1) * 2);
  const heights = new Float64Array(Math.max(0, count - 1));
  const sharedBorder = new Float64Array(heights.length);
  const sharedStrength = new Float64Array(heights.length);
  for (let merge = 0; merge < count - 1; merge++) {
    const { edge, cost } = queue.take(alive);
    const a = ends[0][edge];
    const b = ends[1][edge];
    const [keep, gone] = neighbours[a].size >= neighbours[b].size ? [a, b] : [b, a];
    children[2 * merge] = Math.min(node[a], node[b]);
    children[2 * merge + 1] = Math.max(node[a], node[b]);
    heights[merge] = Math.max(cost, heightOf(node[a]), heightOf(node[b]));
    sharedBorder[merge] = border[edge];
    sharedStrength[merge] = strength[edge];
    node[keep] = count + merge;

    alive[edge] = 0;
    neighbours[keep].delete(gone);
    for (const [other, from] of neighbours[gone]) {
      if (other === keep) continue;
      neighbours[other].delete(gone);
      const into = neighbours[keep].get(other);
      if (into === undefined) {
        if (ends[0][from] === gone) ends[0][from] = keep;
        else ends[1][from] = keep;
        neighbours[keep].set(other, from);
        neighbours[other].set(keep, from);
      } else {
        border[into] += border[from];
        strength[into] += strength[from];
        alive[from] = 0;
      }
    }
    neighbours[gone].clear();
    join(features, keep, gone, border[edge]);
    for (const around of neighbours[keep].values()) offer(around);
  }
  return { count, children, heights, border: sharedBorder, strength: sharedStrength };

  function heightOf(id: number): number {
    return id < count ? 0 : heights[id - count];
  }
}

/** Means of `keep` become those of both regions together; `border`: what the two shared. */
function join(features: MergeFeatures, keep: number, gone: number, border: number): void {
  const { size, outline } = features;
  const total = size[keep] + size[gone];
  const share = size[gone] / total;
  blend(features.channels, keep, gone, CHANNELS, share);
  blend(features.lab, keep, gone, 3, share);
  blend(features.embedding, keep, gone, features.dimensions, share);
  blend(features.metric, keep, gone, features.metricDimensions, share);
  size[keep] = total;
  outline[keep] += outline[gone] - 2 * border;
}

function blend(means: Float32Array, keep: number, gone: number, width: number, share: number): void {
  const p = keep * width;
  const q = gone * width;
  for (let k = 0; k < width; k++) means[p + k] += share * (means[q + k] - means[p + k]);
}

/** Strength summed over what the two regions of each merge shared, by the strengths of another graph of the same regions. */
export function strengthOfMerges({ count, children }: Merges, graph: RegionGraph): Float64Array {
  const parent = new Int32Array(2 * count - 1);
  children.forEach((child, k) => {
    parent[child] = count + (k >> 1);
  });
  const strength = new Float64Array(Math.max(0, count - 1));
  graph.strength.forEach((sum, edge) => {
    // Parents have higher numbers, so the lower of the two is the one to climb.
    let a = graph.first[edge];
    let b = graph.second[edge];
    while (a !== b) {
      if (a < b) a = parent[a];
      else b = parent[b];
    }
    strength[a - count] += sum;
  });
  return strength;
}
