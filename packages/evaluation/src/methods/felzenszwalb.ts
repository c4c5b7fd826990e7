import type { RgbImage } from "@unsam/core/image";
import type { Method } from "./method.js";
import { preparePartitions } from "./partitions.js";

/** Scale parameters k for colours from 0 to 255, fine to coarse: 8, 16 … 16384. */
export const SCALES: readonly number[] = Array.from({ length: 12 }, (_, k) => 2 ** (k + 3));
const SIGMA = 0.8;
const SMALLEST = 20;

export function felzenszwalbMethod(scales: readonly number[] = SCALES): Method {
  const levels = scales.map((_, k) => (k + 1) / scales.length);
  return {
    info: {
      name: "felzenszwalb",
      description: `Graph-based segmentation (Felzenszwalb and Huttenlocher 2004) at ${scales.length} scales, the segment at the click; granularity chooses the scale.`,
      levels,
      chooses: false,
      fingerprint: null,
    },
    async prepare(image) {
      const { width, height } = image;
      const edges = gridEdges(image, SIGMA);
      const partitions = scales.map((scale) => mergeSegments(edges, width * height, scale, SMALLEST));
      return preparePartitions({ width, height, levels, partitions });
    },
    async dispose() {},
  };
}

/** Edges between neighbouring pixels, by ascending weight. */
export interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly weight: Float32Array;
}

/**
 * Segments an image (Felzenszwalb and Huttenlocher, Efficient Graph-Based Image Segmentation, IJCV 59:167–181, 2004,
 * section 4): pixels on a grid of 8 neighbours, weights the Euclidean distance of RGB colours (0…255) after a Gaussian
 * blur of `sigma` pixels; two segments merge where the edge between them weighs no more than the inner variation of
 * either plus scale / size. Segments below `smallest` pixels then join a neighbour. Returns a segment number per
 * pixel, [height, width].
 */
export function felzenszwalb(image: RgbImage, scale: number, sigma = SIGMA, smallest = SMALLEST): Int32Array {
  return mergeSegments(gridEdges(image, sigma), image.width * image.height, scale, smallest);
}

export function gridEdges(image: RgbImage, sigma: number): Edges {
  const { width, height } = image;
  const smooth = blur(image, sigma);
  const count = 4 * width * height - 3 * width - 3 * height + 2;
  const from = new Int32Array(count);
  const to = new Int32Array(count);
  const weight = new Float32Array(count);
  let edges = 0;
  const add = (a: number, b: number) => {
    const red = smooth[3 * a] - smooth[3 * b];
    const green = smooth[3 * a + 1] - smooth[3 * b + 1];
    const blue = smooth[3 * a + 2] - smooth[3 * b + 2];
    from[edges] = a;
    to[edges] = b;
    weight[edges++] = Math.sqrt(red * red + green * green + blue * blue);
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (x + 1 < width) add(i, i + 1);
      if (y + 1 === height) continue;
      add(i, i + width);
      if (x + 1 < width) add(i, i + width + 1);
      if (x > 0) add(i, i + width - 1);
    }
  }
  const order = ascending(weight);
  const sorted = (values: Int32Array) => Int32Array.from(order, (k) => values[k]);
  return { from: sorted(from), to: sorted(to), weight: Float32Array.from(order, (k) => weight[k]) };
}

/** Indices of non-negative numbers in ascending order, equals as they come: a radix sort, 16 bits at a time. */
function ascending(values: Float32Array): Uint32Array {
  // The bits of non-negative floats order as whole numbers do.
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let order = Uint32Array.from(values, (_, k) => k);
  for (const shift of [0, 16]) {
    const start = new Uint32Array(65_537);
    for (let k = 0; k < bits.length; k++) start[((bits[k] >>> shift) & 0xffff) + 1]++;
    for (let digit = 1; digit <= 65_536; digit++) start[digit] += start[digit - 1];
    const next = new Uint32Array(order.length);
    for (let k = 0; k < order.length; k++) next[start[(bits[order[k]] >>> shift) & 0xffff]++] = order[k];
    order = next;
  }
  return order;
}

export function mergeSegments(edges: Edges, pixels: number, scale: number, smallest: number): Int32Array {
  const parent = Int32Array.from({ length: pixels }, (_, i) => i);
  const size = new Int32Array(pixels).fill(1);
  const limit = new Float64Array(pixels).fill(scale);
  const find = (i: number) => {
    while (parent[i] !== i) {
      parent[i] = parent[parent[i]];
      i = parent[i];
    }
    return i;
  };
  const join = (a: number, b: number) => {
    const [root, child] = size[a] >= size[b] ? [a, b] : [b, a];
    parent[child] = root;
    size[root] += size[child];
    return root;
  };
  const { from, to, weight } = edges;
  for (let e = 0; e < weight.length; e++) {
    const a = find(from[e]);
    const b = find(to[e]);
    if (a === b || weight[e] > Math.min(limit[a], limit[b])) continue;
    const root = join(a, b);
    // Edges come by weight, so this one is the largest inside.
    limit[root] = weight[e] + scale / size[root];
  }
  for (let e = 0; e < weight.length; e++) {
    const a = find(from[e]);
    const b = find(to[e]);
    if (a !== b && (size[a] < smallest || size[b] < smallest)) join(a, b);
  }
  return Int32Array.from(parent, (_, i) => find(i));
}

/** Gaussian blur of each channel, edge pixels repeated outwards, [height, width, 3]; the kernel is cut at 4σ. */
function blur({ data, width, height }: RgbImage, sigma: number): Float32Array {
  const source = Float32Array.from(data);
  if (sigma <= 0) return source;
  const radius = Math.ceil(4 * sigma);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, k) =>
    Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = kernel.reduce((a, b) => a + b);
  const rows = new Float32Array(data.length);
  const out = new Float32Array(data.length);
  const pass = (
    from: Float32Array,
    into: Float32Array,
    lines: number,
    length: number,
    line: number,
    step: number,
  ) => {
    for (let l = 0; l < lines; l++) {
      for (let p = 0; p < length; p++) {
        let [red, green, blue] = [0, 0, 0];
        for (let k = -radius; k <= radius; k++) {
          const at = 3 * (l * line + Math.min(length - 1, Math.max(0, p + k)) * step);
          const share = kernel[k + radius] / sum;
          red += share * from[at];
          green += share * from[at + 1];
          blue += share * from[at + 2];
        }
        into.set([red, green, blue], 3 * (l * line + p * step));
      }
    }
  };
  pass(source, rows, height, width, width, 1);
  pass(rows, out, width, height, 1, width);
  return out;
}
