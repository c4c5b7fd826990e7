import { Mask } from "@unsam/core/mask";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contingency } from "#evaluation/metrics/contingency.js";
import { covering } from "#evaluation/metrics/covering.js";
import { randIndex } from "#evaluation/metrics/rand-index.js";
import { variationOfInformation } from "#evaluation/metrics/variation-of-information.js";

/** Of what a method makes, and of label maps, which may hold any 32-bit numbers. */
const LABELS = [
  [0, 1, 2, 3, 4],
  [-1, 0, 255, 70_000, 4_294_967_295],
];

const maps = fc
  .integer({ min: 1, max: 30 })
  .chain((length) =>
    fc.tuple(
      ...LABELS.map((labels) =>
        fc.array(fc.constantFrom(...labels), { minLength: length, maxLength: length }),
      ),
      fc.array(fc.boolean(), { minLength: length, maxLength: length }),
    ),
  ) as fc.Arbitrary<[number[], number[], boolean[]]>;

/** The pixels that count, as pairs of labels. */
function kept([a, b, counted]: [number[], number[], boolean[]]): [number, number][] {
  return a.flatMap((label, i) => (counted[i] ? [[label, b[i]] as [number, number]] : []));
}

function tableOf([a, b, counted]: [number[], number[], boolean[]]) {
  return contingency(a, b, Mask.fromBytes(a.length, 1, counted.map(Number)));
}

describe("agreement of two label maps", () => {
  it("Rand index is the share of pairs of pixels on which they agree", () => {
    fc.assert(
      fc.property(maps, (input) => {
        const pixels = kept(input);
        let [agreeing, all] = [0, 0];
        for (let i = 0; i < pixels.length; i++) {
          for (let j = i + 1; j < pixels.length; j++) {
            const together = (k: 0 | 1) => pixels[i][k] === pixels[j][k];
            all++;
            if (together(0) === together(1)) agreeing++;
          }
        }
        expect(randIndex(tableOf(input))).toBeCloseTo(all === 0 ? 1 : agreeing / all, 12);
      }),
    );
  });

  it("variation of information is the sum of the conditional entropies", () => {
    fc.assert(
      fc.property(maps, (input) => {
        const pixels = kept(input);
        const share = (test: (pixel: [number, number]) => boolean) =>
          pixels.filter(test).length / pixels.length;
        let wanted = 0;
        // Every pixel adds its own surprise: −log p(a | b) − log p(b | a), averaged.
        for (const [a, b] of pixels) {
          const both = share((pixel) => pixel[0] === a && pixel[1] === b);
          const first = share((pixel) => pixel[0] === a);
          const second = share((pixel) => pixel[1] === b);
          wanted -= (Math.log2(both / second) + Math.log2(both / first)) / pixels.length;
        }
        expect(variationOfInformation(tableOf(input))).toBeCloseTo(wanted, 9);
      }),
    );
  });

  it("covering weighs each region's best IoU by its size", () => {
    fc.assert(
      fc.property(maps, (input) => {
        const pixels = kept(input);
        fc.pre(pixels.length > 0);
        let wanted = 0;
        for (const region of new Set(pixels.map(([, b]) => b))) {
          const ious = [...new Set(pixels.map(([a]) => a))].map((segment) => {
            const both = pixels.filter(([a, b]) => a === segment && b === region).length;
            const either = pixels.filter(([a, b]) => a === segment || b === region).length;
            return both / either;
          });
          wanted += Math.max(...ious) * pixels.filter(([, b]) => b === region).length;
        }
        expect(covering(tableOf(input))).toBeCloseTo(wanted / pixels.length, 12);
      }),
    );
  });

  it("has known values", () => {
    const halves = [0, 0, 1, 1];
    const quarters = [0, 1, 2, 3];
    const same = contingency(halves, [7, 7, 3, 3], null);
    expect([covering(same), randIndex(same), variationOfInformation(same)]).toEqual([1, 1, 0]);
    const finer = contingency(quarters, halves, null);
    // Two of six pairs are together in the halves and apart in the quarters; one bit tells which quarter.
    expect([covering(finer), randIndex(finer), variationOfInformation(finer)]).toEqual([0.5, 4 / 6, 1]);
    const crossed = contingency([0, 1, 0, 1], halves, null);
    expect([covering(crossed), randIndex(crossed), variationOfInformation(crossed)]).toEqual([
      1 / 3,
      2 / 6,
      2,
    ]);
  });
});
