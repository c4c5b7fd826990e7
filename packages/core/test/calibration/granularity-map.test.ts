import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GranularityMap, type Knot, LEAST_SLOPE, mapThrough } from "#core/calibration/index.js";

const unit = fc.double({ min: 0, max: 1, noNaN: true });
/** What a fit gives: the user's ascending and different, the model's not falling. */
const fitted = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 20 }), unit), { minLength: 1, maxLength: 6 })
  .map((pairs) => {
    const users = [...new Set(pairs.map(([user]) => user / 20))].sort((a, b) => a - b);
    const levels = pairs.map(([, level]) => level).sort((a, b) => a - b);
    return users.map((user, i): Knot => [user, levels[i]]);
  });

describe("mapThrough", () => {
  it("rises strictly from end to end, stays in [0, 1], and comes back the way it went", () => {
    fc.assert(
      fc.property(fitted, unit, unit, (knots, a, b) => {
        const map = mapThrough(knots);
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(map.toModel(low)).toBeGreaterThanOrEqual(0);
        expect(map.toModel(high)).toBeLessThanOrEqual(1);
        expect(map.toModel(high) - map.toModel(low)).toBeGreaterThanOrEqual(
          0.99 * LEAST_SLOPE * (high - low) - 1e-15,
        );
        expect(map.toUser(map.toModel(a))).toBeCloseTo(a, 6);
      }),
      { seed: 31, numRuns: 500 },
    );
  });

  it("goes through fitted knots that rise well enough, and stays near the others", () => {
    fc.assert(
      fc.property(fitted, (knots) => {
        const map = mapThrough(knots);
        for (const [user, model] of knots) {
          // An anchor below may lift a knot, an end at 1 may hold it down.
          const floor = knots[0][0] > 0.1 ? 0.1 : 0;
          const wanted = Math.max(model, floor);
          expect(Math.abs(map.toModel(user) - wanted)).toBeLessThanOrEqual(2 * LEAST_SLOPE);
        }
      }),
      { seed: 32, numRuns: 300 },
    );
  });

  it("leaves granularity alone where nothing is known of it", () => {
    const map = mapThrough([[0.5, 0.3]]);
    expect(map.knots).toEqual([
      [0, 0],
      [0.1, 0.1],
      [0.5, 0.3],
      [1, 1],
    ]);
    expect(map.toModel(0.05)).toBeCloseTo(0.05, 12);
    expect(map.toModel(0.3)).toBeCloseTo(0.2, 12);
    expect(map.toModel(0.75)).toBeCloseTo(0.65, 12);
    expect(mapThrough([[1, 1]]).toModel(0.37)).toBeCloseTo(0.37, 12);
  });
});

describe("GranularityMap", () => {
  it.each<[string, Knot[]]>([
    ["one knot", [[0, 0]]],
    ["too many knots", Array.from({ length: 40 }, (_, i): Knot => [i / 39, i / 39])],
    [
      "a falling map",
      [
        [0, 0.5],
        [1, 0.2],
      ],
    ],
    [
      "a flat map",
      [
        [0, 0.5],
        [1, 0.5],
      ],
    ],
    [
      "granularities out of order",
      [
        [0, 0],
        [0.6, 0.2],
        [0.4, 0.3],
        [1, 1],
      ],
    ],
    [
      "granularities that end early",
      [
        [0, 0],
        [0.9, 1],
      ],
    ],
    [
      "granularities that begin late",
      [
        [0.1, 0],
        [1, 1],
      ],
    ],
    [
      "a granularity above 1",
      [
        [0, 0],
        [1, 1.5],
      ],
    ],
    [
      "NaN",
      [
        [0, Number.NaN],
        [1, 1],
      ],
    ],
  ])("refuses %s", (_, knots) => {
    expect(() => new GranularityMap(knots)).toThrow(expect.objectContaining({ code: "E_BAD_FILE" }));
  });
});
