import { readFileSync } from "node:fs";
import { describeWithShared, shared } from "@unsam/test-support";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Budget } from "#core/limits/index.js";
import { boxBytes, checkRLE, encodePackedRLE, Mask, packMask, packRLE } from "#core/mask/index.js";
import { drawn, type PlainMask, plainMask } from "./random-mask.js";

const pack = ({ width, height, bytes }: PlainMask) => Mask.fromBytes(width, height, bytes);

/** Straight from the definition: walk the columns, count what repeats. */
function referenceCounts({ width, height, bytes }: PlainMask): number[] {
  const counts = [0];
  let current = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if (bytes[y * width + x] !== current) {
        counts.push(0);
        current = 1 - current;
      }
      counts[counts.length - 1]++;
    }
  }
  return counts;
}

/** The string by arithmetic on decimal numbers, without bit operations. */
function referenceString(counts: readonly number[]): string {
  let text = "";
  counts.forEach((count, i) => {
    let value = i > 2 ? count - counts[i - 2] : count;
    for (;;) {
      const group = ((value % 32) + 32) % 32;
      value = (value - group) / 32;
      const last = group >= 16 ? value === -1 : value === 0;
      text += String.fromCharCode(48 + group + (last ? 0 : 32));
      if (last) return;
    }
  });
  return text;
}

describe("COCO RLE", () => {
  it("of a packed mask is that of its pixels, wherever its box lies", () => {
    fc.assert(
      fc.property(plainMask, (mask) => {
        const { words, width, height } = pack(mask);
        expect(encodePackedRLE(packMask(words, width, height), false).counts).toEqual(referenceCounts(mask));
      }),
    );
    for (const rows of [
      ["##", "##"],
      ["..", ".."],
      [".#", ".#"],
      ["#.", "#."],
      ["..", ".#"],
      ["#.", ".."],
      [".#.", ".#."],
    ]) {
      const mask = drawn(...rows);
      const { words, width, height } = pack(mask);
      const packed = packMask(words, width, height);
      expect(encodePackedRLE(packed, false)).toEqual({
        size: [height, width],
        counts: referenceCounts(mask),
      });
      expect(encodePackedRLE(packed, true).counts).toBe(referenceString(referenceCounts(mask)));
    }
  });

  // Public examples of the format: strings written by pycocotools.
  it.each([
    { size: [4, 4], counts: [5, 2, 2, 2, 5], text: "52203" },
    { size: [9, 10], counts: [6, 1, 40, 4, 5, 4, 5, 4, 21], text: "61X13mN000`0" },
    { size: [40, 40], counts: [245, 5, 35, 5, 35, 5, 35, 5, 35, 5, 1190], text: "e75S10000000ST1" },
  ] as const)("reads and writes $text", ({ size, counts, text }) => {
    const mask = Mask.fromRLE({ size, counts: text });
    expect([mask.height, mask.width]).toEqual(size);
    expect(mask.toRLE({ compressed: false })).toEqual({ size, counts });
    expect(mask.toRLE()).toEqual({ size, counts: text });
    expect(Mask.fromRLE({ size, counts }).equals(mask)).toBe(true);
  });

  it("goes down the columns and begins with background", () => {
    expect(pack(drawn("#..", "##.")).toRLE({ compressed: false })).toEqual({
      size: [2, 3],
      counts: [0, 2, 1, 1, 2],
    });
    expect(pack(drawn("...", "...")).toRLE({ compressed: false }).counts).toEqual([6]);
    expect(pack(drawn("###", "###")).toRLE({ compressed: false }).counts).toEqual([0, 6]);
  });

  it("agrees with the definition and comes back, in both forms", () => {
    fc.assert(
      fc.property(plainMask, (plain) => {
        const mask = pack(plain);
        const counts = referenceCounts(plain);
        const plainForm = mask.toRLE({ compressed: false });
        const packedForm = mask.toRLE();
        expect(plainForm).toEqual({ size: [plain.height, plain.width], counts });
        expect(packedForm.counts).toBe(referenceString(counts));
        expect(Mask.fromRLE(plainForm).equals(mask)).toBe(true);
        expect(Mask.fromRLE(packedForm).equals(mask)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("carries numbers of every length through the string", () => {
    // A tall mask of one column: the counts are free to choose.
    const count = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 200_000 }));
    fc.assert(
      fc.property(fc.array(count, { minLength: 1, maxLength: 12 }), (counts) => {
        const size = [counts.reduce((a, b) => a + b, 0), 1] as const;
        const text = referenceString(counts);
        expect(Mask.fromRLE({ size, counts: text }).toRLE({ compressed: false })).toEqual({ size, counts });
      }),
      { numRuns: 30 },
    );
  });

  it("accepts empty runs, as other writers leave them", () => {
    expect([...Mask.fromRLE({ size: [2, 2], counts: [1, 0, 1, 2, 0] }).toBytes()]).toEqual([0, 1, 0, 1]);
  });

  it("is packed from the bits of its box alone, the same", () => {
    fc.assert(
      fc.property(plainMask, fc.boolean(), (plain, compressed) => {
        const mask = pack(plain);
        const checked = checkRLE(mask.toRLE({ compressed }));
        const packed = packMask(mask.words, plain.width, plain.height);
        expect(packRLE(checked)).toEqual(packed);
        expect(checked.area).toBe(mask.area);
        expect(checked.box).toEqual(packed.box);
        const { width, height } = mask.bbox;
        expect(boxBytes(checked)).toBe(4 * Math.ceil(width / 32) * height);
      }),
      { numRuns: 300 },
    );
  });

  it("of a small mask in the largest image takes no more than the small mask", () => {
    const counts = [10_000 * 500 + 77, 30, 9970, 30];
    const pixels = counts.reduce((a, b) => a + b, 0);
    const rle = { size: [10_000, 10_000] as const, counts: [...counts, 1e8 - pixels] };
    const before = process.memoryUsage().arrayBuffers;
    const masks = Array.from({ length: 2000 }, () => packRLE(checkRLE(rle)));
    // Whole, these would be 25 GB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20e6);
    expect(masks[7]).toMatchObject({ area: 60, box: [500, 77, 501, 106], width: 10_000, height: 10_000 });
  });

  it("of a comb of many teeth takes a row at a time while it is packed", () => {
    // Each row of a comb of full columns has 4000 crossings; all of them at once would take 64 MB, as text they are 8 KB.
    const side = 4000;
    const counts = Array.from({ length: side }, () => side);
    const before = process.memoryUsage().arrayBuffers;
    const comb = packRLE(checkRLE({ size: [side, side], counts }));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8e6);
    expect(comb.area).toBe((side * side) / 2);
  });

  it("counts against a budget before it is filled", () => {
    const rle = { size: [1000, 100] as const, counts: [100_000] };
    // 1000 rows of four words.
    const budget = new Budget("The targets", 40_000);
    Mask.fromRLE(rle, { budget });
    Mask.fromRLE(rle, { budget });
    expect(() => Mask.fromRLE(rle, { budget })).toThrow(/The targets .* 40000 bytes/);
    expect(() => Mask.fromRLE(rle, { maxBytes: 15_999 })).toThrow(/maxBytes/);
    expect(() => Mask.fromRLE(rle, { maxPixels: 99_999 })).toThrow(/maxPixels/);
    expect(() => Mask.fromRLE(rle, { maxPixels: Number.NaN })).toThrow(
      expect.objectContaining({ code: "E_BAD_OPTION" }),
    );
  });

  const hostile: [string, unknown][] = [
    ["a size that names methods", { size: { toString: 1, valueOf: 1 }, counts: [9] }],
    ["a run length that names methods", { size: [3, 3], counts: [{ toString: 1 }] }],
    ["a hundred million rows of one pixel", { size: [1e8, 1], counts: [1e8] }],
    ["runs short of the size", { size: [3, 3], counts: [4, 4] }],
    ["runs beyond the size", { size: [3, 3], counts: [4, 6] }],
    ["a negative run", { size: [3, 3], counts: [10, -1] }],
    ["a fractional run", { size: [3, 3], counts: [4.5, 4.5] }],
    ["NaN", { size: [3, 3], counts: [Number.NaN, 9] }],
    ["an infinite run", { size: [3, 3], counts: [Number.POSITIVE_INFINITY] }],
    ["text among the runs", { size: [3, 3], counts: ["9"] }],
    ["no runs", { size: [3, 3], counts: [] }],
    ["no counts", { size: [3, 3] }],
    ["counts of another kind", { size: [3, 3], counts: { 0: 9 } }],
    ["no size", { counts: [9] }],
    ["null", null],
    ["a size of zero", { size: [0, 3], counts: [] }],
    ["a negative size", { size: [-3, -3], counts: [9] }],
    ["a size of three numbers", { size: [3, 3, 1], counts: [9] }],
    ["a size that would take 2 GB", { size: [131072, 131072], counts: [131072 * 131072] }],
    ["a size beyond exact numbers", { size: [2 ** 53, 2 ** 53], counts: [0] }],
    ["a string of foreign characters", { size: [3, 3], counts: "9 é" }],
    ["a string that ends inside a number", { size: [3, 3], counts: "9P" }],
    ["a string with an endless number", { size: [3, 3], counts: "PPPPPPPPPPPPPPPPPP0" }],
    ["a string with a negative run", { size: [3, 3], counts: "O:" }],
    ["an empty string", { size: [3, 3], counts: "" }],
  ];
  it.each(hostile)("refuses %s", (_, rle) => {
    expect(() => Mask.fromRLE(rle as never)).toThrow(expect.objectContaining({ code: "E_BAD_FILE" }));
  });

  it("never does anything but decode or refuse, whatever was changed in it", () => {
    const change = fc.tuple(fc.nat(30), fc.nat(3), fc.string({ maxLength: 2 }));
    const number = fc.oneof(
      fc.integer({ min: -2, max: 40 }),
      fc.double(),
      fc.constantFrom(2 ** 31, 2 ** 53, 1e300),
    );
    const changed = fc.tuple(
      plainMask,
      fc.array(change, { maxLength: 3 }),
      fc.array(number, { maxLength: 3 }),
    );
    fc.assert(
      fc.property(changed, fc.nat(40), ([plain, changes, numbers], at) => {
        const { size, counts } = pack(plain).toRLE();
        let text = counts as string;
        for (const [from, cut, piece] of changes) text = text.slice(0, from) + piece + text.slice(from + cut);
        const list = [...(pack(plain).toRLE({ compressed: false }).counts as number[])];
        list.splice(at, numbers.length, ...numbers);
        for (const mutated of [text, list]) {
          let mask: Mask;
          try {
            mask = Mask.fromRLE({ size, counts: mutated });
          } catch (error) {
            expect(error).toMatchObject({ code: "E_BAD_FILE" });
            continue;
          }
          expect([mask.height, mask.width]).toEqual(size);
          expect(packRLE(checkRLE({ size, counts: mutated }))).toEqual(
            packMask(mask.words, mask.width, mask.height),
          );
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("never does anything but decode or refuse", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat({ max: 20 }), fc.nat({ max: 20 }), (counts, height, width) => {
        let mask: Mask;
        try {
          mask = Mask.fromRLE({ size: [height, width], counts });
        } catch (error) {
          expect(error).toMatchObject({ code: "E_BAD_FILE" });
          return;
        }
        expect([mask.height, mask.width]).toEqual([height, width]);
      }),
      { numRuns: 2000 },
    );
  });
});

describeWithShared("COCO RLE of the official generator", () => {
  it("has the official area and box, and is written the same", () => {
    const runs = JSON.parse(readFileSync(shared("parity", "unsamv2-mini", "whole-image.json"), "utf8")) as {
      masks: { size: [number, number]; counts: number[]; area: number; bbox: number[] }[];
    }[];
    let masks = 0;
    for (const { size, counts, area, bbox } of runs.flatMap((run) => run.masks)) {
      const mask = Mask.fromRLE({ size, counts });
      expect(mask.area).toBe(area);
      // The official box counts from the centre of the first pixel to that of the last.
      const { x, y, width, height } = mask.bbox;
      expect([x, y, width - 1, height - 1]).toEqual(bbox);
      expect(mask.toRLE({ compressed: false })).toEqual({ size, counts });
      masks++;
    }
    expect(masks).toBeGreaterThan(10);
  });
});
