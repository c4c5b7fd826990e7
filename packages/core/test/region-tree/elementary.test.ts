import fc from "fast-check";
import { expect, it } from "vitest";
import { exp, power } from "#core/region-tree/elementary.js";

const relative = (found: number, expected: number) => Math.abs(found / expected - 1);

it("exp is the exponential", () => {
  fc.assert(
    fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
      expect(relative(exp(x), Math.exp(x))).toBeLessThan(2e-15);
    }),
  );
  expect(exp(0)).toBe(1);
});

it("power is the power, and exact where nothing is to do", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-12, max: 1e6, noNaN: true }),
      fc.constantFrom(0.1, 1 / 3, 2.4, -1.5),
      (x, p) => {
        const allowed = 2e-15 * Math.max(1, Math.abs(p * Math.log(x)));
        expect(relative(power(x, p), x ** p)).toBeLessThan(allowed);
      },
    ),
  );
  expect([power(1, 0.1), power(5, 0)]).toEqual([1, 1]);
});
