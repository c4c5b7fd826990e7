import { describe, expect, it } from "vitest";
import {
  boundariesAt,
  buildForest,
  commonPixels,
  finestLabels,
  fuseLabels,
  granularityStep,
  labelMapAt,
  maskStatistics,
  pairwiseOverlaps,
} from "#core/fusion/index.js";
import { isSet, Random, randomLogits } from "./random.js";

function scene(seed: number) {
  const random = new Random(seed);
  const count = random.int(1, 24);
  const height = random.int(1, 40);
  const width = random.int(1, 70);
  const data = randomLogits(random, count, height, width);
  const { masks, areas, boxes } = maskStatistics({ count, height, width, data });
  const scores = Float32Array.from({ length: count }, () => random.int(0, 5) / 5);
  const granularities = Float64Array.from({ length: count }, () => random.int(0, 12) / 12);
  const overlaps = pairwiseOverlaps(masks, boxes);
  // A low containment makes deep forests of these loose shapes.
  const forest = buildForest(areas, scores, granularities, overlaps, 0.4);
  return { masks, areas, scores, granularities, overlaps, forest };
}

function ancestors(parent: Int32Array, region: number): number[] {
  const path = [region];
  while (parent[path[path.length - 1]] >= 0) path.push(parent[path[path.length - 1]]);
  return path;
}

describe("buildForest", () => {
  it("gives every mask the smallest larger one that holds enough of it", () => {
    for (let seed = 0; seed < 80; seed++) {
      const { masks, areas, scores, granularities, overlaps, forest } = scene(seed);
      const larger = (a: number, b: number) =>
        areas[a] > areas[b] ||
        (areas[a] === areas[b] && (scores[a] > scores[b] || (scores[a] === scores[b] && a < b)));
      const all = Array.from({ length: masks.count }, (_, i) => i);
      for (const i of all) {
        const holders = all.filter(
          (j) => areas[i] > 0 && larger(j, i) && commonPixels(overlaps, i, j) >= 0.4 * areas[i],
        );
        const smallest = holders.find((j) => holders.every((k) => k === j || larger(k, j))) ?? -1;
        expect(forest.parent[i]).toBe(smallest);
        const below = all.filter((j) => ancestors(forest.parent, j).includes(i));
        expect(forest.level[i]).toBe(Math.max(...below.map((j) => granularityStep(granularities[j]))));
      }
      expect([...forest.order].sort((a, b) => a - b)).toEqual(all);
    }
  });

  it("refuses numbers that do not fit", () => {
    const none = { count: 2, common: new Uint32Array(1) };
    expect(() => buildForest([1, 1], [1, Number.NaN], [0, 0], none)).toThrow(/scores/);
    expect(() => buildForest([1, 1], [1, 1], [0, 1.5], none)).toThrow(/granularity/);
    expect(() => buildForest([1], [1, 1], [0, 1], none)).toThrow(/areas/);
    expect(() => buildForest([1, 1], [1, 1], [0, 1], { count: 2, common: new Uint32Array(3) })).toThrow(
      /pairs/,
    );
    expect(() => buildForest([1, 1], [1, 1], [0, 1], none, -0.1)).toThrow(/containment/);
  });
});

describe("label maps", () => {
  it("give each pixel to the finest region around it, overlaps to the better branch", () => {
    for (let seed = 0; seed < 60; seed++) {
      const { masks, areas, scores, forest } = scene(seed);
      const finest = finestLabels(masks, forest);
      // Whether a hides b, straight from the definition: the descendant does; else the branches compare where they part.
      const hides = (a: number, b: number): boolean => {
        const up = ancestors(forest.parent, a);
        const other = ancestors(forest.parent, b);
        if (up.includes(b)) return true;
        if (other.includes(a)) return false;
        const p = up.find(
          (node) => !other.includes(node) && (forest.parent[node] < 0 || other.includes(forest.parent[node])),
        )!;
        const q = other.find((node) => !up.includes(node) && forest.parent[node] === forest.parent[p])!;
        if (scores[p] !== scores[q]) return scores[p] > scores[q];
        if (areas[p] !== areas[q]) return areas[p] < areas[q];
        return p < q;
      };
      for (let y = 0; y < masks.height; y++) {
        for (let x = 0; x < masks.width; x++) {
          let owner = -1;
          for (let k = 0; k < masks.count; k++) {
            if (isSet(masks, k, x, y) && (owner < 0 || hides(k, owner))) owner = k;
          }
          expect(finest[y * masks.width + x]).toBe(owner + 1);
        }
      }
    }
  });

  it("coarsen to the ancestor whose range covers the granularity", () => {
    for (let seed = 0; seed < 30; seed++) {
      const { masks, forest } = scene(seed);
      const finest = finestLabels(masks, forest);
      for (const granularity of [0, 1 / 12, 0.3, 0.5, 11 / 12, 1]) {
        const labels = labelMapAt(finest, forest, granularity);
        labels.forEach((label, i) => {
          const covering = ancestors(forest.parent, finest[i] - 1).find(
            (region) =>
              forest.parent[region] < 0 || forest.level[forest.parent[region]] > granularityStep(granularity),
          );
          expect(label).toBe(finest[i] === 0 ? 0 : covering! + 1);
        });
      }
    }
  });
});

describe("fused map", () => {
  it("has exactly the boundaries of every label map, and they only vanish as the granularity rises", () => {
    for (let seed = 0; seed < 30; seed++) {
      const { masks, forest } = scene(seed);
      const { width, height } = masks;
      const finest = finestLabels(masks, forest);
      const fused = fuseLabels(finest, forest, width, height);
      let previous: Uint8Array | undefined;
      for (let n = 0; n <= 60; n++) {
        const labels = labelMapAt(finest, forest, n / 60);
        const { right, below } = boundariesAt(fused, n / 60);
        // Counted, as one assertion an edge would take longer than everything else.
        let wrong = 0;
        for (let y = 0, i = 0; y < height; y++) {
          for (let x = 0; x < width; x++, i++) {
            if (right[i] !== Number(x + 1 < width && labels[i] !== labels[i + 1])) wrong++;
            if (below[i] !== Number(y + 1 < height && labels[i] !== labels[i + width])) wrong++;
            if (previous !== undefined && right[i] > previous[i]) wrong++;
          }
        }
        expect(wrong).toBe(0);
        previous = right;
      }
    }
  });

  it("refuses maps and granularities that do not fit", () => {
    const { masks, forest } = scene(7);
    const finest = finestLabels(masks, forest);
    expect(() => fuseLabels(finest, forest, masks.width + 1, masks.height)).toThrow(/label map/);
    expect(() => labelMapAt(finest, forest, 1.01)).toThrow(/granularity/);
    expect(() => labelMapAt(finest, forest, Number.NaN)).toThrow(/granularity/);
    expect(() => finestLabels({ ...masks, count: 0, words: new Uint32Array(0) }, forest)).toThrow(
      /one to one/,
    );
  });
});
