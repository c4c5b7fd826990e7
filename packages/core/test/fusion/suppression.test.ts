import { describe, expect, it } from "vitest";
import { maskStatistics, pairwiseOverlaps, removeDuplicates, suppressBoxes } from "#core/fusion/index.js";
import { commonPixels, selectOverlaps } from "#core/fusion/pairwise.js";
import { isSet, Random, randomLogits } from "./random.js";

function scene(seed: number) {
  const random = new Random(seed);
  const count = random.int(1, 14);
  const height = random.int(1, 40);
  const width = random.int(1, 100);
  const data = randomLogits(random, count, height, width);
  // Coarse scores, so that ties are common.
  const scores = Float32Array.from({ length: count }, () => random.int(0, 4) / 4);
  return { random, scores, ...maskStatistics({ count, height, width, data }) };
}

describe("pairwiseOverlaps", () => {
  it("counts the pixels set in both masks", () => {
    for (let seed = 0; seed < 60; seed++) {
      const { masks, boxes } = scene(seed);
      const overlaps = pairwiseOverlaps(masks, boxes);
      for (let i = 0; i < masks.count; i++) {
        for (let j = 0; j < masks.count; j++) {
          if (i === j) continue;
          let expected = 0;
          for (let y = 0; y < masks.height; y++) {
            for (let x = 0; x < masks.width; x++)
              if (isSet(masks, i, x, y) && isSet(masks, j, x, y)) expected++;
          }
          expect(commonPixels(overlaps, i, j)).toBe(expected);
        }
      }
      const chosen = Array.from({ length: masks.count }, (_, i) => i)
        .filter((i) => i % 3 !== 1)
        .reverse();
      const some = selectOverlaps(overlaps, chosen);
      for (let i = 0; i < chosen.length; i++) {
        for (let j = 0; j < i; j++) {
          expect(commonPixels(some, i, j)).toBe(commonPixels(overlaps, chosen[i], chosen[j]));
        }
      }
    }
  });

  it("refuses boxes outside the masks", () => {
    const masks = { count: 1, width: 4, height: 4, words: new Uint32Array(4) };
    expect(() => pairwiseOverlaps(masks, Int32Array.of(0, 0, 4, 3))).toThrow(/outside 4×4/);
    expect(() => pairwiseOverlaps(masks, Int32Array.of(0, 0, 3))).toThrow(/box corners/);
    expect(() => pairwiseOverlaps({ ...masks, count: 2 }, new Int32Array(8))).toThrow(/take 8 words/);
  });
});

describe("removeDuplicates", () => {
  it("keeps exactly the masks that no better kept one resembles", () => {
    for (let seed = 100; seed < 160; seed++) {
      const { masks, boxes, areas, scores } = scene(seed);
      const overlaps = pairwiseOverlaps(masks, boxes);
      const limit = [0, 0.3, 0.7, 1][seed % 4];
      const kept = [...removeDuplicates(areas, scores, overlaps, limit)];
      const resembles = (i: number, j: number) => {
        const common = commonPixels(overlaps, i, j);
        const union = areas[i] + areas[j] - common;
        return (union === 0 ? 1 : common / union) > limit;
      };
      const better = (i: number, j: number) => scores[i] > scores[j] || (scores[i] === scores[j] && i < j);
      for (let n = 1; n < kept.length; n++) expect(better(kept[n - 1], kept[n])).toBe(true);
      for (let i = 0; i < masks.count; i++) {
        expect(kept.includes(i)).toBe(!kept.some((k) => k !== i && better(k, i) && resembles(i, k)));
      }
    }
  });
});

describe("suppressBoxes", () => {
  it("follows the order of torchvision's nms: sort, keep, strike out all behind", () => {
    for (let seed = 0; seed < 80; seed++) {
      const random = new Random(seed);
      const count = random.int(1, 30);
      const boxes: number[] = [];
      for (let i = 0; i < count; i++) {
        const [x, y] = [random.int(0, 20), random.int(0, 20)];
        boxes.push(x, y, x + random.int(0, 12), y + random.int(0, 12));
      }
      const scores = Array.from({ length: count }, () => random.int(0, 9) / 10);
      const limit = [0, 0.5, 0.7, 1][seed % 4];
      const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
      const struck = new Set<number>();
      const expected: number[] = [];
      order.forEach((i, n) => {
        if (struck.has(i)) return;
        expected.push(i);
        const [ax0, ay0, ax1, ay1] = boxes.slice(4 * i, 4 * i + 4);
        for (const j of order.slice(n + 1)) {
          const [bx0, by0, bx1, by1] = boxes.slice(4 * j, 4 * j + 4);
          const w = Math.max(0, Math.min(ax1, bx1) - Math.max(ax0, bx0));
          const h = Math.max(0, Math.min(ay1, by1) - Math.max(ay0, by0));
          const union = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - w * h;
          if (Math.fround((w * h) / union) > limit) struck.add(j);
        }
      });
      expect([...suppressBoxes(boxes, scores, limit)]).toEqual(expected);
    }
  });

  it("compares in float32: an overlap of 7/10 is not above 0.7", () => {
    // 7/10 rounds to float32 below the limit 0.7, 6/10 rounds to above the limit 0.6.
    const at = (share: number) => [0, 0, 10, 10, 0, 0, 10, share];
    expect([...suppressBoxes(at(7), [1, 0.5], 0.7)]).toEqual([0, 1]);
    expect([...suppressBoxes(at(6), [1, 0.5], 0.6)]).toEqual([0]);
  });

  it("keeps boxes without area, as 0 / 0 is above nothing", () => {
    expect([...suppressBoxes([3, 3, 3, 9, 3, 3, 3, 9], [0.5, 0.9], 0.1)]).toEqual([1, 0]);
  });

  it("refuses what is no box, no score and no limit", () => {
    expect(() => suppressBoxes([0, 0, -1, 3], [1], 0.7)).toThrow(/Box 0/);
    expect(() => suppressBoxes([0, 0, 1, 3], [Number.NaN], 0.7)).toThrow(/finite/);
    expect(() => suppressBoxes([0, 0, 1], [1], 0.7)).toThrow(/box corners/);
    expect(() => suppressBoxes([0, 0, 1, 3], [1], 1.5)).toThrow(/maxIoU/);
  });
});
