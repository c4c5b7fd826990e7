import fc from "fast-check";
import { expect, it } from "vitest";
import {
  checkRLE,
  encodeRLE,
  fillRLE,
  findComponents,
  Mask,
  removeSmallRegions,
  wordsPerRow,
} from "#core/mask/index.js";
import { plainMask } from "../mask/random-mask.js";
import { describeTwins, expectSameBits, WORK } from "./addon.js";

const mask = plainMask.map(({ width, height, bytes }) => Mask.fromBytes(width, height, bytes));

describeTwins("single masks", (binding) => {
  it("run lengths and their text are the same, and come back", async () => {
    await fc.assert(
      fc.asyncProperty(mask, async ({ words, width, height }) => {
        const [counts] = await binding.encodeRLE({ count: 1, width, height, words }, WORK);
        const plain = encodeRLE(words, width, height, false);
        expect([...counts]).toEqual(plain.counts);
        const text = await binding.encodeCounts(counts);
        expect(text).toBe(encodeRLE(words, width, height, true).counts);
        expectSameBits(await binding.decodeCounts(text), counts, "counts from text");
        const decoded = await binding.decodeRLE(counts, { width, height }, { maxPixels: 1e6 });
        expectSameBits(decoded, fillRLE(checkRLE(plain)), "words");
        expectSameBits(decoded, words, "words");
      }),
    );
  });

  it("many masks at once give the run lengths of each", async () => {
    const masks = fc.sample(plainMask, { numRuns: 30, seed: 5 });
    const [width, height] = [45, 20];
    const bits = masks.map(({ bytes }) =>
      Mask.fromBytes(
        width,
        height,
        Uint8Array.from({ length: width * height }, (_, i) => bytes[i % bytes.length]),
      ),
    );
    const size = wordsPerRow(width) * height;
    const words = new Uint32Array(size * bits.length);
    bits.forEach((one, k) => {
      words.set(one.words, k * size);
    });
    const all = await binding.encodeRLE({ count: bits.length, width, height, words }, WORK);
    expect(all.map((counts) => [...counts])).toEqual(
      bits.map((one) => one.toRLE({ compressed: false }).counts),
    );
  });

  it("components are the same", async () => {
    await fc.assert(
      fc.asyncProperty(mask, fc.constantFrom(4 as const, 8 as const), async (one, connectivity) => {
        const { words, width, height } = one;
        const found = await binding.findComponents(words, { width, height }, { connectivity });
        expect(found).toEqual(findComponents(words, width, height, connectivity));
      }),
    );
  });

  it("small regions removed are the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        mask,
        fc.constantFrom(4 as const, 8 as const),
        fc.constantFrom("holes" as const, "islands" as const),
        fc.integer({ min: 0, max: 40 }),
        async ({ words, width, height }, connectivity, which, minArea) => {
          const options = { which, minArea, connectivity, ...WORK };
          const cleaned = await binding.removeSmallRegions({ count: 1, width, height, words }, options);
          const twin = removeSmallRegions(words, width, height, which, minArea, connectivity);
          expectSameBits(cleaned, twin, which);
        },
      ),
    );
  });
});
