import { pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { normalisedCut, weightedGraph } from "#core/region-tree/spectral-cue.js";
import { tridiagonalEigenpairs } from "#core/region-tree/tridiagonal.js";

/** All eigenpairs of a dense symmetric matrix by cyclic Jacobi rotations; ascending. Slow and plain. */
function jacobi(matrix: number[][]): { values: number[]; vectors: number[][] } {
  const n = matrix.length;
  const a = matrix.map((row) => row.slice());
  const v: number[][] = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 100; sweep++) {
    let rest = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rest += a[p][q] ** 2;
    if (rest < 1e-26) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p][q]) < 1e-300) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
        }
        for (let k = 0; k < n; k++) {
          [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
          [v[k][p], v[k][q]] = [c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]];
        }
      }
    }
  }
  const order = a.map((_, i) => i).sort((i, j) => a[i][i] - a[j][j]);
  return { values: order.map((i) => a[i][i]), vectors: order.map((i) => v.map((row) => row[i])) };
}

/** A grid with random weights: connected, like a region graph. */
function grid(side: number, seed: number) {
  const random = pseudoRandom(seed);
  const pairs: [number, number][] = [];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const i = y * side + x;
      if (x + 1 < side) pairs.push([i, i + 1]);
      if (y + 1 < side) pairs.push([i, i + side]);
    }
  }
  const weights = Float64Array.from(pairs, () => Math.exp(-6 * random()));
  return {
    count: side * side,
    first: Int32Array.from(pairs, ([a]) => a),
    second: Int32Array.from(pairs, ([, b]) => b),
    weights,
  };
}

describe("normalised cut", () => {
  it.each([2, 3, 5, 8, 12])("agrees with a dense solver on a square grid of side %i", (side) => {
    const { count, first, second, weights } = grid(side, side);
    const dense = Array.from({ length: count }, () => new Array<number>(count).fill(0));
    const degree = new Array<number>(count).fill(0);
    first.forEach((i, e) => {
      degree[i] += weights[e];
      degree[second[e]] += weights[e];
    });
    first.forEach((i, e) => {
      const j = second[e];
      dense[i][j] = dense[j][i] = -weights[e] / Math.sqrt(degree[i] * degree[j]);
    });
    for (let i = 0; i < count; i++) dense[i][i] = 1;
    const reference = jacobi(dense);
    const total = degree.reduce((a, b) => a + b, 0);

    const cue = normalisedCut(weightedGraph(count, first, second, weights), 10, { tolerance: 1e-10 });
    expect(cue.dimensions).toBe(Math.min(10, count - 1));
    for (let d = 0; d < cue.dimensions; d++) {
      expect(cue.values[d]).toBeCloseTo(reference.values[d + 1], 8);
      const wanted = reference.vectors[d + 1].map(
        (value, i) => (value / Math.sqrt(degree[i])) * Math.sqrt(total),
      );
      const sign = Math.sign(
        wanted.reduce((s, value, i) => s + value * cue.vectors[i * cue.dimensions + d], 0),
      );
      wanted.forEach((value, i) => {
        expect(sign * cue.vectors[i * cue.dimensions + d]).toBeCloseTo(value, 4);
      });
    }
  });

  it("splits a dumb-bell at its bar", () => {
    const first = [0, 0, 1, 2, 3, 3, 4];
    const second = [1, 2, 2, 3, 4, 5, 5];
    const weights = [1, 1, 1, 0.01, 1, 1, 1];
    const graph = weightedGraph(
      6,
      Int32Array.from(first),
      Int32Array.from(second),
      Float64Array.from(weights),
    );
    const { vectors, dimensions } = normalisedCut(graph, 1);
    expect(dimensions).toBe(1);
    const sides = [...vectors].map(Math.sign);
    expect(new Set(sides.slice(0, 3)).size).toBe(1);
    expect(new Set(sides.slice(3)).size).toBe(1);
    expect(sides[0]).toBe(-sides[5]);
  });

  it("is the same every time, and copes with one or two regions", () => {
    const { count, first, second, weights } = grid(9, 3);
    const graph = weightedGraph(count, first, second, weights);
    expect(normalisedCut(graph)).toEqual(normalisedCut(graph));
    const none = new Int32Array(0);
    expect(normalisedCut(weightedGraph(1, none, none, new Float64Array(0))).dimensions).toBe(0);
    const two = weightedGraph(2, Int32Array.of(0), Int32Array.of(1), Float64Array.of(0.3));
    expect(normalisedCut(two).values[0]).toBeCloseTo(2, 10);
  });
});

describe("tridiagonal eigenpairs", () => {
  it.each([1, 2, 3, 10, 40])("agree with Jacobi rotations, n = %i", (n) => {
    const random = pseudoRandom(n);
    const diagonal = Float64Array.from({ length: n }, () => random() * 4 - 2);
    const offDiagonal = Float64Array.from({ length: n - 1 }, (_, i) => (i % 7 === 3 ? 0 : random() * 2 - 1));
    const dense = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (__, j) =>
        i === j ? diagonal[i] : Math.abs(i - j) === 1 ? offDiagonal[Math.min(i, j)] : 0,
      ),
    );
    const { values, vectors } = tridiagonalEigenpairs(diagonal, offDiagonal);
    jacobi(dense).values.forEach((value, k) => {
      expect(values[k]).toBeCloseTo(value, 10);
    });
    for (let k = 0; k < n; k++) {
      for (let i = 0; i < n; i++) {
        let image = 0;
        for (let j = 0; j < n; j++) image += dense[i][j] * vectors[k * n + j];
        expect(image).toBeCloseTo(values[k] * vectors[k * n + i], 9);
      }
    }
  });
});
