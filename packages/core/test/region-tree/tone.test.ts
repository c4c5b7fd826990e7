import fc from "fast-check";
import { expect, it } from "vitest";
import { toneMapped } from "#core/region-tree/tone.js";

const planes = (L: number[]) => ({
  L: Float32Array.from(L),
  a: Float32Array.from(L, (_, i) => i - 3),
  b: new Float32Array(L.length).fill(-2),
});

it("keeps the order of lightness, within 0 and 100, and scales chroma", () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 60 }),
      (L) => {
        const before = planes(L);
        const { L: after, a, b } = toneMapped(before);
        for (let i = 0; i < L.length; i++) {
          expect(after[i]).toBeGreaterThanOrEqual(0);
          expect(after[i]).toBeLessThanOrEqual(100);
          if (i > 0 && before.L[i] > before.L[i - 1]) expect(after[i]).toBeGreaterThanOrEqual(after[i - 1]);
        }
        expect(Array.from(a)).toEqual(Array.from(before.a, (value) => Math.fround(1.3 * value)));
        expect(b[0]).toBe(Math.fround(-2.6));
      },
    ),
  );
});

it("uses the whole range, and more of it for dark steps", () => {
  const ramp = Array.from({ length: 1000 }, (_, i) => 30 + i / 50);
  const { L } = toneMapped(planes(ramp));
  expect(L[5]).toBeLessThan(4);
  expect(L[995]).toBeGreaterThan(97);
  expect(L[500]).toBeGreaterThan(65);
});

it("leaves the noise of an even image small, and is not drawn off by a few outliers", () => {
  const even = toneMapped(planes(Array.from({ length: 900 }, (_, i) => 50 + (i % 3) * 0.1))).L;
  expect(Math.max(...even) - Math.min(...even)).toBeLessThan(4);
  const ramp = Array.from({ length: 2000 }, (_, i) => 40 + i / 100);
  const spoilt = [...ramp];
  spoilt[0] = 0;
  spoilt[1999] = 100;
  const [clean, soiled] = [toneMapped(planes(ramp)).L, toneMapped(planes(spoilt)).L];
  for (let i = 2; i < ramp.length - 1; i += 97) expect(Math.abs(clean[i] - soiled[i])).toBeLessThan(3);
});
