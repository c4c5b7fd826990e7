import type { PatchFeatures } from "@unsam/core/patch-merge";
import { normalisedCut, type WeightedGraph } from "@unsam/core/region-tree";

export interface CutOptions {
  /** Patches are alike above this cosine similarity of their features, the mean of the image taken off. */
  readonly similarity?: number;
  /** Cuts at most. */
  readonly most?: number;
}

/** Weight between patches that are not alike: small, so that the graph is connected. */
const UNLIKE = 1e-5;
/** A foreground that holds so many corners of the map is the background. */
const CORNERS = 3;
/** Fewer patches are no instance. */
const LEAST_PATCHES = 2;

/**
 * MaskCut (Wang et al. 2023, CutLER, section 3.1): the second-smallest eigenvector of the normalised cut of all pairs
 * of patches parts them at its mean; the side of its largest value is the foreground, unless it holds the corners of
 * the image; its connected part around that value is an instance, and the next cut is made without its patches.
 * Returns for each instance 1 where a patch belongs to it, [height · width]. Deterministic.
 */
export function maskCut(
  features: PatchFeatures,
  { similarity = 0.2, most = 4 }: CutOptions = {},
): Uint8Array[] {
  const { height, width } = features;
  const unit = centredUnitVectors(features);
  const free = new Uint8Array(height * width).fill(1);
  const instances: Uint8Array[] = [];
  while (instances.length < most) {
    const patches = [...free.keys()].filter((patch) => free[patch] === 1);
    if (patches.length <= 2 * LEAST_PATCHES) break;
    const { vectors } = normalisedCut(similarityGraph(unit, features.channels, patches, similarity), 1);
    const instance = foreground(vectors, patches, width, height);
    const size = instance.reduce((sum, bit) => sum + bit, 0);
    if (size < LEAST_PATCHES) break;
    instances.push(instance);
    instance.forEach((bit, patch) => {
      if (bit === 1) free[patch] = 0;
    });
  }
  return instances;
}

/** All pairs of the chosen patches: 1 where alike, next to nothing else. */
export function similarityGraph(
  unit: Float32Array,
  channels: number,
  patches: readonly number[],
  similarity: number,
): WeightedGraph {
  const count = patches.length;
  const start = Int32Array.from({ length: count + 1 }, (_, i) => i * (count - 1));
  const neighbour = new Int32Array(count * (count - 1));
  const weight = new Float64Array(neighbour.length);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < a; b++) {
      let cosine = 0;
      for (let k = 0; k < channels; k++) {
        cosine += unit[patches[a] * channels + k] * unit[patches[b] * channels + k];
      }
      const value = cosine > similarity ? 1 : UNLIKE;
      neighbour[a * (count - 1) + b] = b;
      weight[a * (count - 1) + b] = value;
      neighbour[b * (count - 1) + a - 1] = a;
      weight[b * (count - 1) + a - 1] = value;
    }
  }
  return { count, start, neighbour, weight };
}

function foreground(
  vector: Float64Array,
  patches: readonly number[],
  width: number,
  height: number,
): Uint8Array {
  const mean = vector.reduce((sum, value) => sum + value, 0) / vector.length;
  let seed = 0;
  for (let i = 1; i < vector.length; i++) if (Math.abs(vector[i]) > Math.abs(vector[seed])) seed = i;
  const above = vector[seed] > mean;
  const side = new Uint8Array(width * height);
  patches.forEach((patch, i) => {
    side[patch] = Number(vector[i] > mean === above);
  });
  const corners = [0, width - 1, (height - 1) * width, height * width - 1];
  if (corners.reduce((sum, corner) => sum + side[corner], 0) >= CORNERS) {
    // The other side, from its own largest value.
    for (const patch of patches) side[patch] = 1 - side[patch];
    seed = -1;
    vector.forEach((value, i) => {
      if (side[patches[i]] === 1 && (seed < 0 || Math.abs(value) > Math.abs(vector[seed]))) seed = i;
    });
    if (seed < 0) return new Uint8Array(width * height);
  }
  return connected(side, patches[seed], width, height);
}

/** The 4-connected part of `side` that holds a patch. */
function connected(side: Uint8Array, from: number, width: number, height: number): Uint8Array {
  const part = new Uint8Array(side.length);
  const open = [from];
  part[from] = 1;
  while (open.length > 0) {
    const patch = open.pop()!;
    const x = patch % width;
    const around = [
      x > 0 ? patch - 1 : -1,
      x + 1 < width ? patch + 1 : -1,
      patch - width,
      patch + width < width * height ? patch + width : -1,
    ];
    for (const next of around) {
      if (next < 0 || side[next] === 0 || part[next] === 1) continue;
      part[next] = 1;
      open.push(next);
    }
  }
  return part;
}

/** Features less their mean over the map, of length 1; a patch of the mean itself stays 0. */
export function centredUnitVectors({ data, channels }: PatchFeatures): Float32Array {
  const count = data.length / channels;
  const mean = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) mean[i % channels] += data[i] / count;
  const unit = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += channels) {
    let square = 0;
    for (let k = 0; k < channels; k++) square += (data[at + k] - mean[k]) ** 2;
    const length = Math.sqrt(square);
    if (length > 0) for (let k = 0; k < channels; k++) unit[at + k] = (data[at + k] - mean[k]) / length;
  }
  return unit;
}
