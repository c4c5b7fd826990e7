import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundaryMap, thin } from "#evaluation/metrics/boundary-map.js";
import { matchBoundaries } from "#evaluation/metrics/boundary-matching.js";
import {
  addCounts,
  boundaryCounts,
  boundarySummary,
  precisionRecall,
} from "#evaluation/metrics/boundary-scores.js";
import { maskOf } from "../random-mask.js";

/** Kuhn's algorithm, one augmenting path at a time: the plainest way to the largest matching. */
function largestMatching(a: Uint8Array, b: Uint8Array, width: number, tolerance: number): number {
  const [left, right] = [a, b].map((map) => [...map.keys()].filter((i) => map[i] === 1));
  const near = left.map((i) =>
    right.flatMap((j, k) => {
      const dx = (i % width) - (j % width);
      const dy = Math.floor(i / width) - Math.floor(j / width);
      return dx * dx + dy * dy <= tolerance * tolerance ? [k] : [];
    }),
  );
  const partner = new Map<number, number>();
  const augment = (l: number, seen: Set<number>): boolean =>
    near[l].some((r) => {
      if (seen.has(r)) return false;
      seen.add(r);
      const other = partner.get(r);
      if (other !== undefined && !augment(other, seen)) return false;
      partner.set(r, l);
      return true;
    });
  return left.filter((_, l) => augment(l, new Set())).length;
}

describe("matching of boundary pixels", () => {
  it("pairs as many as possible, one to one, within the tolerance", () => {
    fc.assert(
      fc.property(
        fc.tuple(maskOf(9, 7), maskOf(9, 7)),
        fc.constantFrom(0, 1, 1.5, 2.3, 4),
        ([a, b], tolerance) => {
          const [first, second] = [a.toBytes(), b.toBytes()];
          const match = matchBoundaries(first, second, 9, 7, tolerance);
          expect(match.pairs).toBe(largestMatching(first, second, 9, tolerance));
          expect(match.predicted.reduce((sum, value) => sum + value, 0)).toBe(match.pairs);
          expect(match.predicted.every((value, i) => value <= first[i])).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("does not let one pixel stand for two", () => {
    const line = Uint8Array.from([1, 1, 1, 1, 0]);
    const dot = Uint8Array.from([0, 1, 0, 0, 0]);
    expect(matchBoundaries(line, dot, 5, 1, 3).pairs).toBe(1);
  });
});

describe("boundary maps", () => {
  it("run once along an edge", () => {
    // Left half 0, right half 1: the last column of the left half.
    const labels = Array.from({ length: 36 }, (_, i) => (i % 6 < 3 ? 0 : 1));
    const map = boundaryMap(labels, 6, 6, null);
    expect([...map.keys()].filter((i) => map[i] === 1).map((i) => i % 6)).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it("are empty where there is one region", () => {
    expect(boundaryMap(new Array(20).fill(3), 5, 4, null).some((value) => value === 1)).toBe(false);
  });

  it("stay connected, and within the original, when thinned", () => {
    fc.assert(
      fc.property(maskOf(10, 8), (mask) => {
        const before = mask.toBytes();
        const after = thin(before.slice(), 10, 8);
        expect(after.every((value, i) => value <= before[i])).toBe(true);
        expect(countComponents(after, 10)).toBe(countComponents(before, 10));
        expect(thin(after.slice(), 10, 8)).toEqual(after);
      }),
      { numRuns: 200 },
    );
  });

  it("thin a bar to a line", () => {
    const bar = Uint8Array.from({ length: 9 * 5 }, (_, i) =>
      i % 9 > 0 && i % 9 < 8 && i > 8 && i < 36 ? 1 : 0,
    );
    const line = thin(bar, 9, 5);
    for (let x = 0; x < 9; x++) {
      const column = [0, 1, 2, 3, 4].map((y) => line[y * 9 + x]).reduce((a, b) => a + b);
      expect(column).toBeLessThanOrEqual(1);
    }
    expect(line.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(4);
  });
});

function countComponents(map: Uint8Array, width: number): number {
  const seen = new Set<number>();
  let count = 0;
  for (let i = 0; i < map.length; i++) {
    if (map[i] === 0 || seen.has(i)) continue;
    count++;
    const open = [i];
    seen.add(i);
    while (open.length > 0) {
      const at = open.pop()!;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const x = (at % width) + dx;
          const next = at + dy * width + dx;
          if (x < 0 || x >= width || next < 0 || next >= map.length) continue;
          if (map[next] === 0 || seen.has(next)) continue;
          seen.add(next);
          open.push(next);
        }
      }
    }
  }
  return count;
}

describe("boundary precision and recall", () => {
  const row = (...on: number[]) => Uint8Array.from({ length: 100 }, (_, x) => (on.includes(x) ? 1 : 0));

  it("count a predicted pixel as right if anyone has it, and ask for everyone's pixels", () => {
    // Tolerance 0.0075 · √(100² + 1²) = 0.75: only the very pixel matches.
    const counts = boundaryCounts(row(10, 20, 30), [row(10, 40), row(20, 10, 50)], 100, 1);
    expect(counts).toEqual({ matchedPredicted: 2, predicted: 3, matchedWanted: 3, wanted: 5 });
    const { precision, recall, f } = precisionRecall(counts);
    expect([precision, recall]).toEqual([2 / 3, 3 / 5]);
    expect(f).toBeCloseTo((2 * (2 / 3) * (3 / 5)) / (2 / 3 + 3 / 5), 12);
  });

  it("are one for equal maps, and defined for empty ones", () => {
    expect(precisionRecall(boundaryCounts(row(1, 2), [row(1, 2)], 100, 1)).f).toBe(1);
    expect(precisionRecall(boundaryCounts(row(), [row()], 100, 1)).f).toBe(1);
    expect(precisionRecall(boundaryCounts(row(), [row(3)], 100, 1)).f).toBe(0);
  });

  it("ODS takes one threshold for all, OIS each image's own", () => {
    const good = { matchedPredicted: 8, predicted: 10, matchedWanted: 8, wanted: 10 };
    const poor = { matchedPredicted: 2, predicted: 10, matchedWanted: 2, wanted: 10 };
    const middling = { matchedPredicted: 6, predicted: 10, matchedWanted: 6, wanted: 10 };
    const { ods, ois, curve } = boundarySummary([
      [good, middling],
      [poor, middling],
    ]);
    expect(curve.map(({ f }) => Number(f.toFixed(6)))).toEqual([0.5, 0.6]);
    expect(ods.f).toBeCloseTo(0.6, 12);
    expect(ods.segmentation).toBe(1);
    expect(ois.f).toBeCloseTo(precisionRecall(addCounts([good, middling])).f, 12);
  });
});
