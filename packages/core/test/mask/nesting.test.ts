import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mask, nest, nestMasks } from "#core/mask/index.js";

const [WIDTH, HEIGHT] = [37, 5];
const ladder = fc.array(
  fc.array(fc.integer({ min: 0, max: 1 }), { minLength: WIDTH * HEIGHT, maxLength: WIDTH * HEIGHT }),
  {
    minLength: 1,
    maxLength: 7,
  },
);
const pack = (bytes: readonly number[]) => Mask.fromBytes(WIDTH, HEIGHT, bytes);
const bytesOf = (words: Uint32Array) => [...new Mask(WIDTH, HEIGHT, words).toBytes()];

describe("nestMasks", () => {
  it("gives the nested family that changes the fewest pixels, of equals the one that holds more (brute force)", () => {
    fc.assert(
      fc.property(ladder, (levels) => {
        const nested = nestMasks(levels.map((bytes) => pack(bytes).words)).map(bytesOf);
        for (let pixel = 0; pixel < WIDTH * HEIGHT; pixel++) {
          const column = levels.map((bytes) => bytes[pixel]);
          const changes = Array.from(
            { length: levels.length + 1 },
            (_, from) => column.filter((bit, i) => bit !== Number(i >= from)).length,
          );
          const from = changes.indexOf(Math.min(...changes));
          expect(nested.map((bytes) => bytes[pixel])).toEqual(column.map((_, i) => Number(i >= from)));
        }
      }),
      { seed: 21, numRuns: 60 },
    );
  });

  it("leaves nested masks and its arguments alone", () => {
    fc.assert(
      fc.property(ladder, (levels) => {
        const grown = levels.map((_, i) =>
          pack(levels[0].map((__, p) => Math.max(...levels.slice(0, i + 1).map((l) => l[p])))),
        );
        expect(nestMasks(grown.map(({ words }) => words))).toEqual(grown.map(({ words }) => words));
        const masks = levels.map(pack);
        const copies = masks.map(({ words }) => words.slice());
        nestMasks(masks.map(({ words }) => words));
        expect(masks.map(({ words }) => words)).toEqual(copies);
      }),
      { seed: 22, numRuns: 40 },
    );
  });

  it("does the same on the compute thread, and stops at an abort signal", async () => {
    const masks = [0, 1, 2].map((k) =>
      pack(Array.from({ length: WIDTH * HEIGHT }, (_, i) => ((i * (k + 3)) % 7 < 3 ? 1 : 0))),
    );
    const nested = await nest(masks);
    expect(nested.map(({ words }) => words)).toEqual(nestMasks(masks.map(({ words }) => words)));
    for (const [i, mask] of nested.entries()) if (i > 0) expect(mask.contains(nested[i - 1])).toBe(true);
    const reason = new Error("enough");
    await expect(nest(masks, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
