import { UnSAMError } from "@unsam/core/errors";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBmp } from "#evaluation/datasets/benchmarks/read-bmp.js";
import { bmp, greyBmp } from "./bmp-files.js";

describe("a BMP", () => {
  it("of 24 bits is read with its rows from the bottom and blue first", () => {
    const rows = [
      [1, 2, 3, 4, 5, 6, 0, 0],
      [7, 8, 9, 10, 11, 12, 0, 0],
    ];
    const { data } = readBmp(bmp({ width: 2, height: 2, bits: 24, rows }), "a.bmp");
    expect([...data]).toEqual([9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4]);
  });

  it("from the top down, of 32 bits", () => {
    const rows = [
      [1, 2, 3, 0],
      [4, 5, 6, 0],
    ];
    const { data, height } = readBmp(bmp({ width: 1, height: -2, bits: 32, rows }), "a.bmp");
    expect(height).toBe(2);
    expect([...data]).toEqual([3, 2, 1, 6, 5, 4]);
  });

  it("with a palette of 1, 4 and 8 bits", () => {
    const palette = [0, 0, 0, 0, 255, 128, 64, 0];
    const one = bmp({ width: 3, height: 1, bits: 1, palette, rows: [[0b01100000, 0, 0, 0]] });
    expect([...readBmp(one, "a.bmp").data]).toEqual([0, 0, 0, 64, 128, 255, 64, 128, 255]);
    const four = bmp({ width: 3, height: 1, bits: 4, palette, rows: [[0x10, 0x10, 0, 0]] });
    expect([...readBmp(four, "a.bmp").data]).toEqual([64, 128, 255, 0, 0, 0, 64, 128, 255]);
    const grey = readBmp(greyBmp(Uint8Array.of(5, 128, 200, 0, 1, 255), 3), "a.bmp");
    expect([...grey.data].filter((_, k) => k % 3 === 0)).toEqual([5, 128, 200, 0, 1, 255]);
  });

  it("that is damaged, cut short or too large is refused, and nothing else", () => {
    const whole = greyBmp(new Uint8Array(30).fill(3), 5);
    expect(() => readBmp(whole, "a.bmp", 29)).toThrow(/5×6 pixels, more than the limit of 29/);
    expect(() => readBmp(whole.subarray(0, whole.length - 1), "a.bmp")).toThrow(/cut short/);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: whole.length }),
        fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
        (end, changes) => {
          const bytes = Uint8Array.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            readBmp(bytes.subarray(0, end), "a.bmp", 1000);
          } catch (error) {
            expect(UnSAMError.isInstance(error) && error.code).toBe("E_BAD_IMAGE");
          }
        },
      ),
      { numRuns: 300, seed: 3 },
    );
  });
});
