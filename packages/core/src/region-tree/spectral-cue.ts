import { exp } from "./elementary.js";
import type { RegionFeatures, RegionGraph } from "./region-graph.js";
import { tridiagonalEigenpairs } from "./tridiagonal.js";

/** Eigenvectors of the normalised cut. */
export interface SpectralCue {
  /** How many eigenvectors there are: the wanted number, or fewer on small graphs. */
  readonly dimensions: number;
  /** Eigenvalues of the normalised Laplacian, ascending, without the trivial 0, [dimensions]. */
  readonly values: Float64Array;
  /** Generalised eigenvectors, row per region, unit mean square under the degrees, [count, dimensions]. */
  readonly vectors: Float64Array;
}

/** A symmetric weighted graph in compressed rows. */
export interface WeightedGraph {
  readonly count: number;
  /** [count + 1] */
  readonly start: Int32Array;
  readonly neighbour: Int32Array;
  readonly weight: Float64Array;
}

const DIMENSIONS = 10;

/** Affinity of touching regions: exp(−s / 0.09) · √(shared border), s from boundary strength and colour difference. */
export function affinityGraph(graph: RegionGraph, features: RegionFeatures): WeightedGraph {
  const weights = new Float64Array(graph.first.length);
  for (let e = 0; e < weights.length; e++) {
    const i = graph.first[e] * 3;
    const j = graph.second[e] * 3;
    const lab = features.lab;
    const dL = lab[i] - lab[j];
    const dA = lab[i + 1] - lab[j + 1];
    const dB = lab[i + 2] - lab[j + 2];
    const distance = Math.sqrt(dL * dL + dA * dA + dB * dB);
    const s = 0.5 * (graph.strength[e] / graph.border[e]) + 0.25 * (distance / (distance + 25));
    weights[e] = exp(-s / 0.09) * Math.sqrt(graph.border[e]);
  }
  return weightedGraph(graph.count, graph.first, graph.second, weights);
}

export function weightedGraph(
  count: number,
  first: Int32Array,
  second: Int32Array,
  weights: Float64Array,
): WeightedGraph {
  const start = new Int32Array(count + 1);
  for (let e = 0; e < first.length; e++) {
    start[first[e] + 1]++;
    start[second[e] + 1]++;
  }
  for (let i = 0; i < count; i++) start[i + 1] += start[i];
  const fill = start.slice(0, count);
  const neighbour = new Int32Array(first.length * 2);
  const weight = new Float64Array(first.length * 2);
  for (let e = 0; e < first.length; e++) {
    const a = fill[first[e]]++;
    neighbour[a] = second[e];
    weight[a] = weights[e];
    const b = fill[second[e]]++;
    neighbour[b] = first[e];
    weight[b] = weights[e];
  }
  return { count, start, neighbour, weight };
}

/**
 * The smoothest eigenvectors of the normalised cut (Shi & Malik 2000, equation 12) of a connected graph, by Lanczos
 * iteration with full reorthogonalisation on D^(−1/2) W D^(−1/2), the trivial vector projected out.
 * Deterministic: it starts from a fixed pseudo-random vector.
 */
export function normalisedCut(
  graph: WeightedGraph,
  wanted = DIMENSIONS,
  { maxSteps = 160, tolerance = 1e-4 } = {},
): SpectralCue {
  const { count, start, neighbour, weight } = graph;
  const dimensions = Math.max(0, Math.min(wanted, count - 1));
  if (dimensions === 0) {
    return { dimensions: 0, values: new Float64Array(0), vectors: new Float64Array(0) };
  }
  const degree = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let k = start[i]; k < start[i + 1]; k++) degree[i] += weight[k];
  }
  const total = degree.reduce((sum, value) => sum + value, 0);
  const root = degree.map(Math.sqrt);
  const scaled = new Float64Array(weight.length);
  for (let i = 0; i < count; i++) {
    for (let k = start[i]; k < start[i + 1]; k++) scaled[k] = weight[k] / (root[i] * root[neighbour[k]]);
  }

  const steps = Math.min(maxSteps, count - 1);
  const trivial = root.map((value) => value / Math.sqrt(total));
  const basis: Float64Array[] = [trivial];
  const diagonal = new Float64Array(steps);
  const offDiagonal = new Float64Array(steps);
  const random = generator(count);
  let made = 0;
  let vector = freshVector(count, basis, random);
  let pairs = tridiagonalEigenpairs(diagonal.subarray(0, 0), offDiagonal);
  while (vector) {
    basis.push(vector);
    const image = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let k = start[i]; k < start[i + 1]; k++) sum += scaled[k] * vector[neighbour[k]];
      image[i] = sum;
    }
    diagonal[made] = dot(image, vector);
    // Twice is enough (Parlett): after the second pass the basis is orthogonal to working precision.
    orthogonalise(image, basis);
    orthogonalise(image, basis);
    const norm = Math.sqrt(dot(image, image));
    offDiagonal[made] = norm;
    made++;
    if (made === steps) break;
    if (norm < 1e-10) {
      // An invariant subspace: go on in a fresh direction, which the matrix does not couple to it.
      offDiagonal[made - 1] = 0;
      vector = freshVector(count, basis, random);
      continue;
    }
    for (let i = 0; i < count; i++) image[i] /= norm;
    vector = image;
    if (made >= 2 * dimensions && made % 40 === 0) {
      pairs = tridiagonalEigenpairs(diagonal.subarray(0, made), offDiagonal.subarray(0, made - 1));
      if (worstResidual(pairs, made, norm, dimensions) < tolerance) break;
    }
  }
  if (pairs.values.length !== made) {
    pairs = tridiagonalEigenpairs(diagonal.subarray(0, made), offDiagonal.subarray(0, made - 1));
  }

  const values = new Float64Array(dimensions);
  const vectors = new Float64Array(count * dimensions);
  const sum = new Float64Array(count);
  for (let d = 0; d < dimensions; d++) {
    const k = made - 1 - d;
    values[d] = Math.max(0, 1 - pairs.values[k]);
    sum.fill(0);
    for (let step = 0; step < made; step++) {
      const share = pairs.vectors[k * made + step];
      const row = basis[step + 1];
      for (let i = 0; i < count; i++) sum[i] += share * row[i];
    }
    const scale = Math.sqrt(total);
    for (let i = 0; i < count; i++) vectors[i * dimensions + d] = (sum[i] * scale) / root[i];
  }
  return { dimensions, values, vectors };
}

/** Largest residual ‖A v − θ v‖ among the leading Ritz pairs. */
function worstResidual(
  pairs: { vectors: Float64Array },
  made: number,
  norm: number,
  dimensions: number,
): number {
  let worst = 0;
  for (let d = 0; d < dimensions; d++) {
    worst = Math.max(worst, norm * Math.abs(pairs.vectors[(made - 1 - d) * made + made - 1]));
  }
  return worst;
}

/** A unit vector orthogonal to the basis, or null where the basis already spans the space. */
function freshVector(
  count: number,
  basis: readonly Float64Array[],
  random: () => number,
): Float64Array | null {
  for (let attempt = 0; attempt < 4; attempt++) {
    const vector = Float64Array.from({ length: count }, () => random() - 0.5);
    orthogonalise(vector, basis);
    orthogonalise(vector, basis);
    const norm = Math.sqrt(dot(vector, vector));
    if (norm < 1e-8) continue;
    for (let i = 0; i < count; i++) vector[i] /= norm;
    return vector;
  }
  return null;
}

function orthogonalise(vector: Float64Array, basis: readonly Float64Array[]): void {
  for (const other of basis) {
    const share = dot(vector, other);
    for (let i = 0; i < vector.length; i++) vector[i] -= share * other[i];
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  // Four sums side by side: one alone would wait for each addition before the next.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < a.length; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (; i < a.length; i++) s0 += a[i] * b[i];
  return s0 + s1 + (s2 + s3);
}

/** Uniform numbers in [0, 1) from a 32-bit linear congruential generator (Numerical Recipes constants). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
