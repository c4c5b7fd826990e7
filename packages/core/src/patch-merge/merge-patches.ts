import { UnSAMError } from "../errors.js";
import { PatchPairs } from "./patch-pairs.js";
import { SimilarityQueue } from "./similarity-queue.js";

/** A map of patch features, as a vision transformer makes them. */
export interface PatchFeatures {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [height, width, channels], any length per patch: only directions count. */
  readonly data: Float32Array;
}

/** The order in which patches were joined. Patch i is node i; merge m makes node count + m. */
export interface PatchMerges {
  /** Patches. */
  readonly count: number;
  /** The two nodes each merge joined, the lower number first, [count − 1, 2]. */
  readonly children: Int32Array;
  /** Mean cosine similarity between the patches of the two at that moment, [count − 1]; it may rise now and then. */
  readonly similarity: Float64Array;
}

/** Sides beyond what any backbone gives, few enough that every index is a 32-bit integer. */
const MAX_VALUES = 2 ** 31 - 1;

/**
 * Iterative merging of patches (UnSAM, section 3.2, "conquer"): always the two 4-neighbouring regions whose patches
 * are most similar on average (cosine, average linkage; of equals the pair that comes first in the map), until one
 * region is left. With unit vectors the mean over all pairs is the product of the two sums over the product of the
 * sizes, so a merge costs one product per neighbour. A patch of zeros resembles nothing. Pure and deterministic; it
 * blocks its thread, so call it in a worker. Throws `E_BAD_PROMPT`.
 */
export function mergePatches(features: PatchFeatures): PatchMerges {
  const { height, width, channels } = features;
  const count = height * width;
  const sums = unitVectors(features);
  const sizes = new Int32Array(count).fill(1);
  const pairs = new PatchPairs(height, width);
  const queue = new SimilarityQueue(pairs.count);
  const offer = (pair: number) => {
    const a = pairs.first[pair];
    const b = pairs.second[pair];
    queue.offer(pair, dot(sums, a * channels, b * channels, channels) / (sizes[a] * sizes[b]));
  };
  for (let pair = 0; pair < pairs.count; pair++) offer(pair);

  const node = Int32Array.from({ length: count }, (_, i) => i);
  const children = new Int32Array(2 * (count - 1));
  const similarity = new Float64Array(count - 1);
  for (let merge = 0; merge < count - 1; merge++) {
    const { pair, value } = queue.take(pairs.alive);
    const a = pairs.first[pair];
    const b = pairs.second[pair];
    children[2 * merge] = Math.min(node[a], node[b]);
    children[2 * merge + 1] = Math.max(node[a], node[b]);
    similarity[merge] = value;
    const keep = Math.min(a, b);
    const gone = Math.max(a, b);
    node[keep] = count + merge;
    sizes[keep] += sizes[gone];
    for (let k = 0; k < channels; k++) sums[keep * channels + k] += sums[gone * channels + k];
    for (const around of pairs.join(keep, gone)) offer(around);
  }
  return { count, children, similarity };
}

/**
 * The regions that stand when merging stops before the first pair less similar than `threshold`: for each patch the
 * number of its region, counted from 0 in the order of their first patches, [count].
 */
export function patchLabels(merges: PatchMerges, threshold: number): Int32Array {
  const { count, children, similarity } = merges;
  const below = similarity.findIndex((value) => value < threshold);
  const made = below < 0 ? similarity.length : below;
  const nodes = count + made;
  const top = Int32Array.from({ length: nodes }, (_, i) => i);
  for (let merge = made - 1; merge >= 0; merge--) {
    top[children[2 * merge]] = top[count + merge];
    top[children[2 * merge + 1]] = top[count + merge];
  }
  const number = new Int32Array(nodes).fill(-1);
  const labels = new Int32Array(count);
  let found = 0;
  for (let i = 0; i < count; i++) {
    if (number[top[i]] < 0) number[top[i]] = found++;
    labels[i] = number[top[i]];
  }
  return labels;
}

function unitVectors({ height, width, channels, data }: PatchFeatures): Float32Array {
  const sound = [height, width, channels].every((side) => Number.isInteger(side) && side >= 1);
  if (!sound || height * width * channels > MAX_VALUES || data.length !== height * width * channels) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `A map of ${height}×${width} patches of ${channels} features does not fit ${data.length} values.`,
    );
  }
  const unit = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += channels) {
    let square = 0;
    for (let k = 0; k < channels; k++) square += data[at + k] * data[at + k];
    if (!Number.isFinite(square)) {
      throw new UnSAMError("E_BAD_PROMPT", `The features of patch ${at / channels} are not finite numbers.`);
    }
    const length = Math.sqrt(square);
    if (length > 0) for (let k = 0; k < channels; k++) unit[at + k] = data[at + k] / length;
  }
  return unit;
}

/** Product of two rows, summed in eight lanes: the order of the native version. */
function dot(values: Float32Array, a: number, b: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  let s5 = 0;
  let s6 = 0;
  let s7 = 0;
  let k = 0;
  for (; k + 7 < length; k += 8) {
    s0 += values[a + k] * values[b + k];
    s1 += values[a + k + 1] * values[b + k + 1];
    s2 += values[a + k + 2] * values[b + k + 2];
    s3 += values[a + k + 3] * values[b + k + 3];
    s4 += values[a + k + 4] * values[b + k + 4];
    s5 += values[a + k + 5] * values[b + k + 5];
    s6 += values[a + k + 6] * values[b + k + 6];
    s7 += values[a + k + 7] * values[b + k + 7];
  }
  for (; k < length; k++) s0 += values[a + k] * values[b + k];
  return s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7));
}
