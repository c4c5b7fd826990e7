import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanLogits, findComponents, labelMap, Mask, removeSmallRegions } from "#core/mask/index.js";
import { areasOf, drawn, floodFill, type PlainMask, plainMask } from "./random-mask.js";

const pack = ({ width, height, bytes }: PlainMask) => Mask.fromBytes(width, height, bytes);

describe("connected components", () => {
  it("are those of a flood fill, numbered in raster order", () => {
    fc.assert(
      fc.property(plainMask, fc.constantFrom(4 as const, 8 as const), (plain, connectivity) => {
        const components = findComponents(pack(plain).words, plain.width, plain.height, connectivity);
        const expected = floodFill(plain, 1, connectivity);
        expect(labelMap(components, plain.width, plain.height)).toEqual(expected);
        expect([...components.areas]).toEqual(areasOf(expected));
      }),
      { numRuns: 400 },
    );
  });

  it("join a spiral and a comb, whose parts meet late", () => {
    const spiral = drawn("#######", "......#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######");
    const comb = drawn("#.#.#.#", "#.#.#.#", "#######");
    for (const plain of [spiral, comb]) {
      expect(findComponents(pack(plain).words, plain.width, plain.height, 4).areas).toHaveLength(1);
    }
  });
});

/** Brute force of the official generator's clean-up. */
function referenceRemoval(plain: PlainMask, which: "holes" | "islands", minArea: number): Uint8Array {
  const labels = floodFill(plain, which === "holes" ? 0 : 1, 8);
  const areas = areasOf(labels);
  const small = areas.map((area) => area < minArea);
  if (which === "islands" && small.length > 0 && small.every(Boolean))
    small[areas.indexOf(Math.max(...areas))] = false;
  return plain.bytes.map((bit, i) => (labels[i] > 0 && small[labels[i] - 1] ? 1 - bit : bit));
}

describe("removeSmallRegions", () => {
  it("fills holes and drops islands below the area, never the last island", () => {
    fc.assert(
      fc.property(
        plainMask,
        fc.constantFrom("holes" as const, "islands" as const),
        fc.integer({ min: 0, max: 30 }),
        (plain, which, minArea) => {
          const { width, height } = plain;
          const { words } = pack(plain);
          const cleaned = new Mask(width, height, removeSmallRegions(words, width, height, which, minArea));
          expect(cleaned.toBytes()).toEqual(referenceRemoval(plain, which, minArea));
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** Brute force of the official predictor's clean-up: both kinds are looked for in the logits as given. */
function referenceClean(
  logits: Float32Array,
  h: number,
  w: number,
  maxHole: number,
  maxSprinkle: number,
): Float32Array {
  const plain = { width: w, height: h, bytes: Uint8Array.from(logits, (value) => (value > 0 ? 1 : 0)) };
  const cleaned = logits.slice();
  for (const [value, most, replacement] of [
    [0, maxHole, 10],
    [1, maxSprinkle, -10],
  ]) {
    const labels = floodFill(plain, value, 8);
    const areas = areasOf(labels);
    labels.forEach((label, i) => {
      if (most > 0 && label > 0 && areas[label - 1] <= most) cleaned[i] = replacement;
    });
  }
  return cleaned;
}

describe("cleanLogits", () => {
  it("does what the official predictor does", () => {
    const area = fc.constantFrom(0, 1, 2, 5, 20);
    fc.assert(
      fc.property(plainMask, area, area, fc.boolean(), ({ width, height, bytes }, hole, sprinkle, zeros) => {
        // Exactly 0 is background, as every value not above the threshold.
        const logits = Float32Array.from(bytes, (bit, i) =>
          bit === 1 ? 0.5 + (i % 7) : zeros ? 0 : -0.5 - (i % 5),
        );
        const before = logits.slice();
        const cleaned = cleanLogits(logits, height, width, { maxHoleArea: hole, maxSprinkleArea: sprinkle });
        expect(cleaned).toEqual(referenceClean(logits, height, width, hole, sprinkle));
        expect(logits).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  it("measures from the threshold", () => {
    const logits = Float32Array.of(5, 5, 5, 5, 2, 5, 5, 5, 5);
    const cleaned = cleanLogits(logits, 3, 3, { maxHoleArea: 1, maxSprinkleArea: 0, threshold: 3 });
    expect(cleaned[4]).toBe(13);
  });
});
