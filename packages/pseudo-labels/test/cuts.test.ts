import type { PatchFeatures } from "@unsam/core/patch-merge";
import { normalisedCut } from "@unsam/core/region-tree";
import { describe, expect, it } from "vitest";
import { centredUnitVectors, maskCut, similarityGraph } from "#pseudo-labels/divide/cuts.js";

/** Features of a map painted with numbered things, each with a direction of its own, and a little noise. */
function painted(width: number, height: number, thingAt: (x: number, y: number) => number): PatchFeatures {
  const channels = 6;
  let state = 7;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 0.2;
  };
  const data = Float32Array.from({ length: width * height * channels }, (_, i) => {
    const patch = Math.floor(i / channels);
    return Number(thingAt(patch % width, Math.floor(patch / width)) === i % channels) + noise();
  });
  return { width, height, channels, data };
}

const inBox = (x: number, y: number, x0: number, y0: number, x1: number, y1: number) =>
  x >= x0 && x < x1 && y >= y0 && y < y1;
const twoThings = (x: number, y: number) => (inBox(x, y, 2, 2, 7, 8) ? 1 : inBox(x, y, 9, 5, 12, 9) ? 2 : 0);

/** All eigenvectors of a dense symmetric matrix by Jacobi rotations, columns of the result by rising eigenvalue. */
function jacobi(matrix: number[][]): { values: number[]; vectors: number[][] } {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = a.map((_, i) => a.map((__, j) => Number(i === j)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        off += a[p][q] ** 2;
        if (Math.abs(a[p][q]) < 1e-15) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++)
          [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
        for (let k = 0; k < n; k++)
          [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
        for (let k = 0; k < n; k++)
          [v[k][p], v[k][q]] = [c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]];
      }
    }
    if (off < 1e-24) break;
  }
  const order = [...a.keys()].sort((i, j) => a[i][i] - a[j][j]);
  return { values: order.map((i) => a[i][i]), vectors: order.map((i) => v.map((row) => row[i])) };
}

describe("the cut of all pairs of patches", () => {
  it("is the second eigenvector of the dense problem", () => {
    const features = painted(8, 7, (x, y) => (inBox(x, y, 1, 1, 4, 5) ? 1 : 0));
    const patches = [...Array(56).keys()];
    const graph = similarityGraph(centredUnitVectors(features), features.channels, patches, 0.2);
    const weights = patches.map(() => patches.map(() => 0));
    for (let i = 0; i < 56; i++) {
      for (let k = graph.start[i]; k < graph.start[i + 1]; k++)
        weights[i][graph.neighbour[k]] = graph.weight[k];
    }
    const degree = weights.map((row) => row.reduce((sum, value) => sum + value, 0));
    const laplacian = weights.map((row, i) =>
      row.map((value, j) => Number(i === j) - value / Math.sqrt(degree[i] * degree[j])),
    );
    const { values, vectors } = jacobi(laplacian);
    const found = normalisedCut(graph, 1);
    expect(found.values[0]).toBeCloseTo(values[1], 6);
    const wanted = vectors[1].map((value, i) => value / Math.sqrt(degree[i]));
    const norm = (vector: ArrayLike<number>) => Math.hypot(...Array.from(vector));
    const cosine = wanted.reduce((sum, value, i) => sum + value * found.vectors[i], 0);
    expect(Math.abs(cosine) / (norm(wanted) * norm(found.vectors))).toBeCloseTo(1, 6);
  });
});

describe("MaskCut", () => {
  it("finds one thing after the other, not the ground", () => {
    const features = painted(14, 11, twoThings);
    const found = maskCut(features).map((instance) => [...instance.keys()].filter((i) => instance[i] === 1));
    const thing = (number: number) =>
      [...Array(14 * 11).keys()].filter((i) => twoThings(i % 14, Math.floor(i / 14)) === number);
    expect(found.slice(0, 2).map(String).sort()).toEqual([thing(1), thing(2)].map(String).sort());
  });

  it("is deterministic and never gives a patch twice", () => {
    const features = painted(14, 11, (x, y) => (x * 3 + y * 5) % 4);
    const found = maskCut(features);
    expect(maskCut(features)).toEqual(found);
    for (let i = 0; i < 14 * 11; i++)
      expect(found.reduce((sum, instance) => sum + instance[i], 0)).toBeLessThan(2);
  });

  it("has an answer for maps of one patch and of equal patches", () => {
    expect(maskCut(painted(1, 1, () => 0))).toEqual([]);
    const equal = { width: 5, height: 4, channels: 2, data: new Float32Array(40).fill(3) };
    for (const instance of maskCut(equal)) expect(instance.length).toBe(20);
  });
});
