import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitLabels } from "#core/calibration/index.js";

const LEVELS = [0.1, 0.3, 0.5, 0.7, 1];
const label = fc.record({
  granularity: fc.constantFrom(0.2, 0.5, 1),
  iou: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
});

describe("fitLabels", () => {
  it("finds the rising choice of levels with the largest sum of IoU (brute force)", () => {
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 8 }), (labels) => {
        const wanted = [...new Set(labels.map(({ granularity }) => granularity))].sort((a, b) => a - b);
        const total = (choice: readonly number[]) =>
          labels.reduce((sum, { granularity, iou }) => sum + iou[choice[wanted.indexOf(granularity)]], 0);
        let best = 0;
        const choose = (choice: number[]): void => {
          if (choice.length === wanted.length) best = Math.max(best, total(choice));
          else for (let l = choice.at(-1) ?? 0; l < LEVELS.length; l++) choose([...choice, l]);
        };
        choose([]);
        const knots = fitLabels(LEVELS, labels);
        expect(knots.map(([granularity]) => granularity)).toEqual(wanted);
        const found = knots.map(([, level]) => LEVELS.indexOf(level));
        found.forEach((l, i) => {
          if (i > 0) expect(l).toBeGreaterThanOrEqual(found[i - 1]);
        });
        // Ties are broken by a thousandth of the neighbours.
        expect(total(found)).toBeGreaterThanOrEqual(best - 1e-3 * labels.length);
      }),
      { seed: 41, numRuns: 300 },
    );
  });

  it("takes the middle of a plateau", () => {
    const levels = Array.from({ length: 11 }, (_, i) => i / 10);
    const iou = [0, 0, 0.8, 0.8, 0.8, 0.8, 0.8, 0, 0, 0, 0];
    expect(fitLabels(levels, [{ granularity: 1, iou }])).toEqual([[1, 0.4]]);
  });
});
