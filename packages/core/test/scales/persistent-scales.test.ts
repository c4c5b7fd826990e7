import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { granularitySpans, persistentScales, SAME_SCALE_IOU } from "#core/scales/index.js";

/** Masks of one click, nested: their IoU is the ratio of their areas. */
const nested = (areas: readonly number[]) => (a: number, b: number) =>
  Math.min(areas[a], areas[b]) / Math.max(areas[a], areas[b]);

const ladder = fc
  .array(
    fc.record({
      step: fc.double({ min: 1, max: 3, noNaN: true }),
      weight: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    {
      minLength: 1,
      maxLength: 14,
    },
  )
  .map((steps) => {
    let area = 10;
    const areas = steps.map(({ step }) => (area *= step));
    return { areas, weights: steps.map(({ weight }) => weight) };
  });

describe("persistentScales", () => {
  it("chooses first what agrees best with all granularities, by brute force", () => {
    fc.assert(
      fc.property(ladder, ({ areas, weights }) => {
        const iou = nested(areas);
        const agreement = areas.map((_, i) =>
          areas.reduce((sum, _, j) => sum + weights[j] * (i === j ? 1 : iou(i, j)), 0),
        );
        const [best] = persistentScales(weights, iou, 1);
        if (weights.every((weight) => weight === 0)) return;
        expect(agreement[best.index]).toBeCloseTo(Math.max(...agreement), 9);
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it("ranks scales of falling worth, no two of them the same, whose worths add up to at most 1", () => {
    fc.assert(
      fc.property(ladder, fc.integer({ min: 1, max: 8 }), ({ areas, weights }, limit) => {
        const iou = nested(areas);
        const scales = persistentScales(weights, iou, limit);
        expect(scales.length).toBeGreaterThan(0);
        expect(scales.length).toBeLessThanOrEqual(limit);
        scales.forEach((scale, k) => {
          if (k > 0) expect(scale.worth).toBeLessThanOrEqual(scales[k - 1].worth + 1e-12);
          for (const before of scales.slice(0, k)) {
            expect(iou(scale.index, before.index)).toBeLessThan(SAME_SCALE_IOU);
          }
        });
        expect(scales.reduce((sum, { worth }) => sum + worth, 0)).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it("finds the plateaus: the long one first, the short one second, no step between them", () => {
    const areas = [100, 101, 102, 250, 600, 601, 602, 603, 604];
    const weights = areas.map(() => 1);
    const found = persistentScales(weights, nested(areas), 2).map(({ index }) => areas[index]);
    expect(found[0]).toBeGreaterThanOrEqual(600);
    expect(found[1]).toBeLessThanOrEqual(102);
  });

  it("trusts weights over length", () => {
    const areas = [100, 101, 102, 600, 601];
    const [best] = persistentScales([0.1, 0.1, 0.1, 0.9, 0.9], nested(areas), 1);
    expect(areas[best.index]).toBeGreaterThanOrEqual(600);
  });

  it("answers where all masks are empty", () => {
    expect(persistentScales([0, 0, 0], () => 0, 3).length).toBeGreaterThan(0);
  });
});

describe("granularitySpans", () => {
  it("share out the range", () => {
    expect(granularitySpans([0.5])).toEqual([1]);
    const spans = granularitySpans([0.1, 0.2, 0.6, 1]);
    expect(spans.map((span) => Number(span.toFixed(9)))).toEqual([0.05, 0.25, 0.4, 0.2]);
  });
});
