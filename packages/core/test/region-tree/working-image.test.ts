import fc from "fast-check";
import { expect, it } from "vitest";
import { enlargeImage, workingImage } from "#core/region-tree/working-image.js";

const solid = (width: number, height: number) => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => [10, 130, 255][i % 3]),
});

it("brings photos to between 512 and 640 pixels on the longest side, if twice their size is enough", () => {
  const side = (width: number, height: number) => {
    const made = workingImage(solid(width, height));
    expect(Array.from(made.data.subarray(-3))).toEqual([10, 130, 255]);
    return [made.width, made.height];
  };
  expect(side(300, 150)).toEqual([512, 256]);
  expect(side(1, 700)).toEqual([1, 640]);
  expect(side(600, 20)).toEqual([600, 20]);
  expect(side(60, 1)).toEqual([120, 2]);
  const asked = workingImage(solid(60, 30), { longestSide: 100 });
  expect([asked.width, asked.height]).toEqual([100, 50]);
});

it("keeps the image itself where it is large enough", () => {
  const image = solid(513, 4);
  expect(workingImage(image)).toBe(image);
});

it("continues straight lines between the centres of pixels", () => {
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 12 }), fc.integer({ min: 13, max: 60 }), (from, to) => {
      const image = {
        width: from,
        height: 1,
        data: Uint8Array.from({ length: from * 3 }, (_, i) => 20 * Math.floor(i / 3)),
      };
      const { data } = enlargeImage(image, to);
      for (let x = 0; x < to; x++) {
        const at = ((x + 0.5) * from) / to - 0.5;
        // A cubic reproduces a line where all four pixels around lie in the image.
        if (at >= 1 && at <= from - 2)
          expect(Math.abs(data[3 * x] - 20 * at)).toBeLessThanOrEqual(0.5 + 1e-9);
      }
    }),
  );
});

it("stays within what a byte holds where the curve overshoots", () => {
  const image = {
    width: 6,
    height: 1,
    data: Uint8Array.from({ length: 18 }, (_, i) => (i < 9 ? 0 : 255)),
  };
  const { data } = enlargeImage(image, 48);
  expect([data[0], data[47 * 3]]).toEqual([0, 255]);
  for (let x = 1; x < 48; x++) expect(data[3 * x]).toBeGreaterThanOrEqual(data[3 * (x - 1)]);
});
