import { readFileSync } from "node:fs";
import { describeWithShared, shared } from "@unsam/test-support";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeImage, networkInput, type RgbImage } from "#core/image/index.js";
import { parseNpy } from "#core/npy.js";

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/**
 * The definition, one output at a time and in both directions at once: a triangle around the output's centre, as wide
 * as one output pixel where the image shrinks and as one input pixel where it grows.
 */
function reference({ data, width, height }: RgbImage, side: number, c: number, x: number, y: number): number {
  const weight = (i: number, out: number, size: number) => {
    const scale = size / side;
    return Math.max(0, 1 - Math.abs(i + 0.5 - (out + 0.5) * scale) / Math.max(scale, 1));
  };
  let sum = 0;
  let total = 0;
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const w = weight(u, x, width) * weight(v, y, height);
      sum += w * data[(v * width + u) * 3 + c];
      total += w;
    }
  }
  return (sum / total / 255 - MEAN[c]) / STD[c];
}

describe("networkInput", () => {
  it("is the antialiased bilinear resize of the definition, shrinking and growing", () => {
    const size = fc.integer({ min: 1, max: 23 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 16 }), fc.integer(), (width, height, side, seed) => {
        const data = Uint8Array.from(
          { length: width * height * 3 },
          (_, i) => Math.imul(i + seed, 2654435761) >>> 24,
        );
        const image = { data, width, height };
        const tensor = networkInput(image, side);
        expect(tensor.shape).toEqual([3, side, side]);
        tensor.data.forEach((value, i) => {
          const expected = reference(
            image,
            side,
            Math.floor(i / side / side),
            i % side,
            Math.floor(i / side) % side,
          );
          if (!(Math.abs(value - expected) < 2e-5)) expect.fail(`${value} at ${i}, not ${expected}`);
        });
      }),
      { numRuns: 200 },
    );
  });

  it("leaves an image of the network's size as it is", () => {
    const data = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (i * 91) % 256);
    const tensor = networkInput({ data, width: 8, height: 8 }, 8);
    tensor.data.forEach((value, i) => {
      const c = Math.floor(i / 64);
      expect(value).toBeCloseTo((data[(i % 64) * 3 + c] / 255 - MEAN[c]) / STD[c], 6);
    });
  });
});

describeWithShared("networkInput on the parity photos", () => {
  it.each(["unsamv2-mini", "sam21-mini"])("%s: the official network input", async (set) => {
    const file = shared("parity", set, "features", "img0.input.npy");
    const expected = parseNpy(readFileSync(file), file);
    const { data } = networkInput(await decodeImage(shared("parity", set, "img0.png")), expected.shape[3]);
    expect(data.length).toBe(expected.data.length);
    const worst = data.reduce((max, value, i) => Math.max(max, Math.abs(value - expected.data[i])), 0);
    // The tolerance of the fixture is 2e-4; float32 steps are what is left.
    expect(worst).toBeLessThan(2e-6);
  });
});
