import { addPixel, CHANNELS, type Channels } from "./channels.js";
import type { LabPlanes } from "./lab.js";
import type { Superpixels } from "./superpixels.js";

/** Superpixels as a graph: who touches whom, along how much border, and how strong that border is. */
export interface RegionGraph {
  readonly count: number;
  /** Edges, first < second, sorted by (first, second), [edges]. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** Shared border in pixel sides, [edges]. */
  readonly border: Float64Array;
  /** Boundary strength summed over the shared border, [edges]. */
  readonly strength: Float64Array;
}

/** Means over each region. */
export interface RegionFeatures {
  /** Pixels of the working image, [count]. */
  readonly size: Float64Array;
  /** [count, CHANNELS] */
  readonly channels: Float32Array;
  /** L, a, b, [count, 3] */
  readonly lab: Float32Array;
}

export function regionGraph(
  { labels, count }: Superpixels,
  strength: Float32Array,
  width: number,
  height: number,
): RegionGraph {
  // One key per pair of touching pixels of different regions; sorting brings equal pairs together.
  const found: number[] = [];
  const where: number[] = [];
  const meet = (i: number, j: number) => {
    const a = labels[i];
    const b = labels[j];
    if (a === b) return;
    found.push(a < b ? a * count + b : b * count + a);
    where.push((strength[i] + strength[j]) / 2);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (x + 1 < width) meet(i, i + 1);
      if (y + 1 < height) meet(i, i + width);
    }
  }
  const keys = Float64Array.from(new Set(found)).sort();
  const index = new Map<number, number>();
  keys.forEach((key, e) => {
    index.set(key, e);
  });
  const border = new Float64Array(keys.length);
  const sum = new Float64Array(keys.length);
  for (let k = 0; k < found.length; k++) {
    const e = index.get(found[k])!;
    border[e]++;
    sum[e] += where[k];
  }
  return {
    count,
    first: Int32Array.from(keys, (key) => Math.floor(key / count)),
    second: Int32Array.from(keys, (key) => key % count),
    border,
    strength: sum,
  };
}

export function regionFeatures(regions: Superpixels, channels: Channels, planes: LabPlanes): RegionFeatures {
  const { labels, count } = regions;
  const size = new Float64Array(count);
  const sums = new Float64Array(count * CHANNELS);
  const lab = new Float64Array(count * 3);
  for (let i = 0; i < labels.length; i++) {
    const r = labels[i];
    size[r]++;
    addPixel(channels, i, 1, sums, r * CHANNELS);
    lab[r * 3] += planes.L[i];
    lab[r * 3 + 1] += planes.a[i];
    lab[r * 3 + 2] += planes.b[i];
  }
  return {
    size,
    channels: Float32Array.from(sums, (sum, k) => sum / size[(k / CHANNELS) | 0]),
    lab: Float32Array.from(lab, (sum, k) => sum / size[(k / 3) | 0]),
  };
}
