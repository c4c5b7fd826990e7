import { Mask } from "@unsam/core/mask";
import { describe, expect, it } from "vitest";
import { contour, contourAccuracy } from "#evaluation/metrics/contour-accuracy.js";
import { sequenceStatistics } from "#evaluation/metrics/sequence-statistics.js";
import { randomNumbers } from "#evaluation/random.js";

/** A few rectangles. */
function randomMask(width: number, height: number, random: () => number): Mask {
  const bytes = new Uint8Array(width * height);
  for (let n = Math.floor(3 * random()); n >= 0; n--) {
    const [x0, y0] = [Math.floor(width * random()), Math.floor(height * random())];
    const [x1, y1] = [x0 + Math.floor(20 * random()), y0 + Math.floor(20 * random())];
    for (let y = y0; y < Math.min(height, y1); y++)
      bytes.fill(1, y * width + x0, y * width + Math.min(width, x1));
  }
  return Mask.fromBytes(width, height, bytes);
}

/** DAVIS's definition, written again in the plainest way: planes that are shifted, and all pairs of contour pixels. */
function plainContour(mask: Mask): [number, number][] {
  const { width: w, height: h } = mask;
  const at = (x: number, y: number) => (x < w && y < h && mask.has(x, y) ? 1 : 0);
  const found: [number, number][] = [];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const east = at(x, y) ^ at(x + 1, y);
      const south = at(x, y) ^ at(x, y + 1);
      let edge = east | south | (at(x, y) ^ at(x + 1, y + 1));
      if (y === h - 1) edge = east;
      if (x === w - 1) edge = south;
      if (x === w - 1 && y === h - 1) edge = 0;
      if (edge) found.push([x, y]);
    }
  }
  return found;
}

function plainF(predicted: Mask, wanted: Mask): number {
  const radius = Math.ceil(0.008 * Math.sqrt(wanted.width ** 2 + wanted.height ** 2));
  const [own, other] = [plainContour(predicted), plainContour(wanted)];
  const share = (from: [number, number][], to: [number, number][]) =>
    from.filter(([x, y]) => to.some(([u, v]) => (x - u) ** 2 + (y - v) ** 2 <= radius ** 2)).length /
    from.length;
  const precision = own.length > 0 ? share(own, other) : 1;
  const recall = other.length > 0 ? share(other, own) : 1;
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

describe("contour accuracy", () => {
  it("is what a plain second writing of DAVIS's definition gives", () => {
    const random = randomNumbers(5);
    for (const [width, height] of [
      [40, 30],
      [33, 50],
      [300, 180],
    ]) {
      for (let i = 0; i < 12; i++) {
        const [one, other] = [randomMask(width, height, random), randomMask(width, height, random)];
        const pixels = plainContour(one).map(([x, y]) => y * width + x);
        const found = contour(one);
        expect([...found.keys()].filter((at) => found[at] === 1)).toEqual(pixels);
        expect(contourAccuracy(one, other)).toBeCloseTo(plainF(one, other), 12);
      }
    }
  });

  it("is 1 for equal masks and for two without contours, 0 where one has none", () => {
    const empty = Mask.fromBytes(20, 20, new Uint8Array(400));
    const full = Mask.fromBytes(20, 20, new Uint8Array(400).fill(1));
    const square = randomMask(20, 20, randomNumbers(2));
    expect(square.area).toBeGreaterThan(0);
    expect(contourAccuracy(square, square)).toBe(1);
    expect(contourAccuracy(empty, empty)).toBe(1);
    expect(contourAccuracy(full, full)).toBe(1);
    expect(contourAccuracy(empty, square)).toBe(0);
    expect(contourAccuracy(square, empty)).toBe(0);
  });

  it("counts by hand what lies within the tolerance", () => {
    // 100 × 75: the diagonal is 125, so a contour may be off by one pixel.
    const column = (x: number) =>
      Mask.fromBytes(
        100,
        75,
        Uint8Array.from({ length: 7500 }, (_, i) => (i % 100 < x ? 1 : 0)),
      );
    expect(contourAccuracy(column(50), column(51))).toBe(1);
    expect(contourAccuracy(column(50), column(52))).toBe(0);
  });
});

describe("statistics of a sequence", () => {
  it("are those of DAVIS, by hand", () => {
    // Bounds 0, 2, 4, 6, 8: the quarters 0…2 and 6…8.
    const values = [1, 0.8, 0.6, 0.5, 0.5, 0.5, 0.3, 0.2, 0.1];
    const { mean, recall, decay } = sequenceStatistics(values);
    expect(mean).toBeCloseTo(4.5 / 9, 12);
    expect(recall).toBeCloseTo(3 / 9, 12);
    expect(decay).toBeCloseTo(0.8 - 0.2, 12);
    // Of 7 values linspace(1, 7, 5) is 1, 2.5, 4, 5.5, 7: places 0, 2, 3, 5, 6.
    expect(sequenceStatistics([1, 1, 1, 0, 0, 0, 0.5]).decay).toBeCloseTo(1 - 0.25, 12);
    expect(sequenceStatistics([0.7])).toEqual({ mean: 0.7, recall: 1, decay: 0 });
  });
});
