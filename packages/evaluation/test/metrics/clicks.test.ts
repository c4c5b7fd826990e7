import { Mask } from "@unsam/core/mask";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RECALL_THRESHOLDS, recalled } from "#evaluation/metrics/average-recall.js";
import { bootstrapInterval } from "#evaluation/metrics/bootstrap.js";
import { calibrationError } from "#evaluation/metrics/calibration-error.js";
import { clicksUntil, nextClick } from "#evaluation/metrics/interactive.js";
import { iouOfCounts, maskIou, median } from "#evaluation/metrics/iou.js";
import { nesting } from "#evaluation/metrics/nesting.js";
import { rankCorrelation } from "#evaluation/metrics/rank-correlation.js";
import { sizeClass } from "#evaluation/metrics/region-size.js";
import { maskOf } from "../random-mask.js";

const masks = (count: number) => fc.tuple(...Array.from({ length: count }, () => maskOf(33, 3)));

describe("IoU", () => {
  it("is common over either, pixel by pixel, where pixels count", () => {
    fc.assert(
      fc.property(masks(3), ([a, b, counted]) => {
        for (const among of [null, counted]) {
          let [common, either] = [0, 0];
          for (let i = 0; i < 99; i++) {
            const [x, y] = [i % 33, Math.floor(i / 33)];
            if (among && !among.has(x, y)) continue;
            if (a.has(x, y) && b.has(x, y)) common++;
            if (a.has(x, y) || b.has(x, y)) either++;
          }
          expect(maskIou(a, b, among)).toBe(either === 0 ? 1 : common / either);
        }
      }),
    );
  });

  it("comes from counts", () => {
    expect(iouOfCounts(2, 3, 4)).toBe(2 / 5);
    expect(iouOfCounts(0, 3, 4)).toBe(0);
    expect(iouOfCounts(0, 0, 0)).toBe(1);
  });
});

describe("recall of proposals", () => {
  it("is what a plain reading of COCO's matching finds", () => {
    fc.assert(
      fc.property(
        fc.array(maskOf(6, 3), { minLength: 0, maxLength: 6 }),
        fc.array(maskOf(6, 3), { maxLength: 5 }),
        (proposals, regions) => {
          const wanted = RECALL_THRESHOLDS.map((threshold) => {
            const free = new Set(regions.keys());
            for (const proposal of proposals) {
              const scored = [...free]
                .filter((r) => regions[r].area > 0 && proposal.area > 0)
                .map((r) => ({ r, iou: proposal.iou(regions[r]) }))
                .sort((a, b) => b.iou - a.iou || a.r - b.r);
              if (scored.length > 0 && scored[0].iou >= threshold - 1e-12) free.delete(scored[0].r);
            }
            return regions.length - free.size;
          });
          expect(recalled(proposals, regions, null)).toEqual(wanted);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("leaves out what does not count", () => {
    const line = (...on: number[]) =>
      Mask.fromBytes(
        8,
        1,
        Array.from({ length: 8 }, (_, x) => (on.includes(x) ? 1 : 0)),
      );
    const found = recalled([line(0, 1, 2, 3)], [line(2, 3)], line(2, 3, 4, 5));
    expect(found).toEqual(new Array(10).fill(1));
    expect(recalled([line(0, 1, 2, 3)], [line(2, 3)], null)[0]).toBe(1);
    expect(recalled([line(0, 1, 2, 3)], [line(2, 3)], null)[1]).toBe(0);
  });
});

describe("rank correlation", () => {
  it("has known values", () => {
    expect(rankCorrelation([1, 2, 3, 4], [10, 20, 30, 1000])).toBeCloseTo(1, 12);
    expect(rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1])).toBeCloseTo(-1, 12);
    // IQ and hours of television, the worked example of many textbooks: −29/165.
    const iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110];
    const hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17];
    expect(rankCorrelation(iq, hours)).toBeCloseTo(-29 / 165, 12);
    // With ties: Pearson's correlation of the ranks 1, 2.5, 2.5, 4 and 1, 2, 3.5, 3.5.
    expect(rankCorrelation([1, 2, 2, 3], [5, 6, 7, 7])).toBeCloseTo(3.75 / 4.5, 12);
    expect(rankCorrelation([1, 2, 3], [5, 5, 5])).toBeNull();
  });
});

describe("granularity", () => {
  const row = (length: number) =>
    Mask.fromBytes(
      10,
      1,
      Array.from({ length: 10 }, (_, x) => (x < length ? 1 : 0)),
    );

  it("nesting counts what sticks out of the next coarser mask", () => {
    expect(nesting([row(2), row(4), row(9)])).toEqual({ outside: 0, area: 6 });
    expect(nesting([row(5), row(3), row(9)])).toEqual({ outside: 2, area: 8 });
    expect(nesting([row(5)])).toEqual({ outside: 0, area: 0 });
  });

  it("calibration error is the way to the nearest of the best levels", () => {
    const levels = [0.2, 0.4, 0.6, 0.8, 1];
    expect(calibrationError(0.5, levels, [0.1, 0.9, 0.3, 0.2, 0.9])).toBeCloseTo(0.1, 12);
    expect(calibrationError(0.9, levels, [0.1, 0.9, 0.3, 0.2, 0.9])).toBeCloseTo(0.1, 12);
    expect(calibrationError(0.2, levels, [0.9, 0, 0, 0, 0])).toBe(0);
  });

  it("sizes fall into classes with their lower bound", () => {
    expect([0, 0.0009, 0.001, 0.0031, 0.01, 0.3, 1].map(sizeClass)).toEqual([0, 0, 1, 2, 3, 6, 6]);
  });
});

describe("iterative clicks", () => {
  const grid = (rows: string[]) =>
    Mask.fromBytes(
      rows[0].length,
      rows.length,
      [...rows.join("")].map((c) => (c === "#" ? 1 : 0)),
    );

  it("mend the error that lies deepest", () => {
    const wanted = grid(["#####..", "#####..", "#####..", ".......", "......."]);
    const nothing = grid([".......", ".......", ".......", ".......", "......."]);
    expect(nextClick(nothing, wanted, null, [])).toEqual({ x: 1, y: 1, label: 1 });
    const surplus = grid(["#####..", "#####..", "#######", "....###", "....###"]);
    expect(nextClick(surplus, wanted, null, [])).toEqual({ x: 5, y: 3, label: 0 });
    expect(nextClick(wanted, wanted, null, [])).toBeNull();
  });

  it("do not go where someone clicked, nor where nothing counts", () => {
    const wanted = grid(["###", "###", "###"]);
    const nothing = grid(["...", "...", "..."]);
    const click = nextClick(nothing, wanted, null, [{ x: 1, y: 1, label: 1 }]);
    expect(click).toEqual({ x: 0, y: 0, label: 1 });
    const counted = grid(["..#", "..#", "..#"]);
    expect(nextClick(nothing, wanted, counted, [])).toEqual({ x: 2, y: 0, label: 1 });
  });

  it("are counted until the target, twenty where it is not reached", () => {
    expect(clicksUntil([0.5, 0.79, 0.8, 0.95], 0.8)).toBe(3);
    expect(clicksUntil([0.95], 0.8)).toBe(1);
    expect(clicksUntil([0.5, 0.6], 0.8)).toBe(20);
  });
});

describe("bootstrap", () => {
  it("is the same for a seed, holds the mean, and narrows with more images", () => {
    const groups = Array.from({ length: 40 }, (_, k) => [(k % 10) / 10, ((k + 3) % 10) / 10]);
    const interval = bootstrapInterval(groups, 1)!;
    expect(bootstrapInterval(groups, 1)).toEqual(interval);
    expect(bootstrapInterval(groups, 2)).not.toEqual(interval);
    expect(interval[0]).toBeLessThan(0.45);
    expect(interval[1]).toBeGreaterThan(0.45);
    // Normal theory for the mean of 40 independent groups.
    const deviation = Math.sqrt(
      groups.map(([a, b]) => ((a + b) / 2 - 0.45) ** 2).reduce((a, b) => a + b) / 40 / 40,
    );
    expect(interval[1] - interval[0]).toBeGreaterThan(0.8 * 2 * 1.96 * deviation);
    expect(interval[1] - interval[0]).toBeLessThan(1.2 * 2 * 1.96 * deviation);
  });

  it("of one image, and of none", () => {
    expect(bootstrapInterval([[0.25, 0.75]], 1)).toEqual([0.5, 0.5]);
    expect(bootstrapInterval([[], []], 1)).toBeNull();
  });

  it("median", () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  });
});
