import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bfloat16ToNumber, float16ToNumber, numberToFloat16 } from "#core/checkpoint/half-precision.js";

/** From the tables of IEEE 754 binary16. */
const float16Vectors: [number, number][] = [
  [0x0000, 0],
  [0x8000, -0],
  [0x0001, 2 ** -24],
  [0x03ff, 1023 * 2 ** -24],
  [0x0400, 2 ** -14],
  [0x3555, 0.333251953125],
  [0x3bff, 0.99951171875],
  [0x3c00, 1],
  [0x3c01, 1.0009765625],
  [0xc000, -2],
  [0x7bff, 65504],
  [0x7c00, Infinity],
  [0xfc00, -Infinity],
];

describe("float16", () => {
  test.each(float16Vectors)("0x%s is %d, both ways", (bits, value) => {
    expect(float16ToNumber(bits)).toBe(value);
    expect(numberToFloat16(value)).toBe(bits);
  });

  test("NaN stays NaN", () => {
    for (const bits of [0x7e00, 0x7c01, 0xffff]) expect(float16ToNumber(bits)).toBeNaN();
    expect(float16ToNumber(numberToFloat16(Number.NaN))).toBeNaN();
  });

  test("every finite value survives the round trip, and their order is the order of the bits", () => {
    let last = Number.NEGATIVE_INFINITY;
    for (let bits = 0; bits <= 0x7c00; bits++) {
      const value = float16ToNumber(bits);
      expect(value).toBeGreaterThan(last);
      expect(numberToFloat16(value)).toBe(bits);
      expect(numberToFloat16(-value)).toBe(bits | 0x8000);
      last = value;
    }
  });

  test.each([
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [3 * 2 ** -25, 0x0002],
    [2 ** -14 - 2 ** -25, 0x0400],
    [2 ** -40, 0x0000],
    [-(2 ** -25) * 1.0001, 0x8001],
    [3.4e38, 0x7c00],
  ])("%d rounds to nearest, ties to even", (value, bits) => {
    expect(numberToFloat16(value)).toBe(bits);
  });

  test("no neighbour is nearer, and ties go to the even one", () => {
    fc.assert(
      fc.property(fc.float({ min: Math.fround(-65519), max: Math.fround(65519), noNaN: true }), (value) => {
        const bits = numberToFloat16(value) & 0x7fff;
        const distance = (other: number) => Math.abs(Math.abs(value) - float16ToNumber(other));
        for (const other of [bits - 1, bits + 1].filter(
          (candidate) => candidate >= 0 && candidate < 0x7c00,
        )) {
          if (distance(other) === distance(bits)) expect(bits & 1).toBe(0);
          else expect(distance(other)).toBeGreaterThan(distance(bits));
        }
      }),
      { seed: 1, numRuns: 5000 },
    );
  });
});

describe("bfloat16", () => {
  test.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -133],
    [0x007f, 127 * 2 ** -133],
    [0x0080, 2 ** -126],
    [0x3f80, 1],
    [0x4049, 3.140625],
    [0xc000, -2],
    [0x7f7f, 255 * 2 ** 120],
    [0x7f80, Infinity],
    [0xff80, -Infinity],
    [0x7fc0, Number.NaN],
  ])("0x%s is %d", (bits, value) => {
    expect(bfloat16ToNumber(bits)).toBe(value);
  });
});
