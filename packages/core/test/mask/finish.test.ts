import { readFileSync } from "node:fs";
import { describeWithShared, pseudoRandom, shared } from "@unsam/test-support";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { finishMask, Mask } from "#core/mask/index.js";
import { parseNpy } from "#core/npy.js";

/** Bilinear interpolation with half-pixel centres, one pixel at a time, in double precision. */
function sample(logits: Float32Array, h: number, w: number, x: number, y: number): number {
  const sx = Math.max(0, x);
  const sy = Math.max(0, y);
  const x0 = Math.min(Math.floor(sx), w - 1);
  const y0 = Math.min(Math.floor(sy), h - 1);
  const x1 = Math.min(x0 + 1, w - 1);
  const y1 = Math.min(y0 + 1, h - 1);
  const top = logits[y0 * w + x0] * (1 - (sx - x0)) + logits[y0 * w + x1] * (sx - x0);
  const bottom = logits[y1 * w + x0] * (1 - (sx - x0)) + logits[y1 * w + x1] * (sx - x0);
  return top * (1 - (sy - y0)) + bottom * (sy - y0);
}

describe("finishMask", () => {
  it("interpolates, thresholds and counts as a pixel-by-pixel reference", () => {
    const side = fc.integer({ min: 1, max: 12 });
    const outSide = fc.integer({ min: 1, max: 70 });
    const scale = fc.constantFrom(0.5, 3, 40);
    const settings = fc.record({
      threshold: fc.constantFrom(0, -1.5, 2),
      offset: fc.constantFrom(0, 0.25, 1),
    });
    fc.assert(
      fc.property(
        side,
        side,
        outSide,
        outSide,
        scale,
        settings,
        fc.integer(),
        (h, w, width, height, k, s, seed) => {
          const random = pseudoRandom(seed);
          const logits = Float32Array.from({ length: h * w }, () => (random() - 0.5) * k);
          const { threshold, offset } = s;
          const finished = finishMask(logits, h, w, width, height, { threshold, stabilityOffset: offset });
          const mask = new Mask(width, height, finished.words);
          let above = 0;
          let below = 0;
          let doubtful = 0;
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
              const value = sample(
                logits,
                h,
                w,
                ((x + 0.5) * w) / width - 0.5,
                ((y + 0.5) * h) / height - 0.5,
              );
              const margin = Math.min(...[0, offset, -offset].map((o) => Math.abs(value - threshold - o)));
              if (margin < 1e-5 * k) {
                doubtful++;
                continue;
              }
              if (mask.has(x, y) !== value > threshold) expect.fail(`pixel ${x}, ${y}: ${value}`);
              if (value > threshold + offset) above++;
              if (value > threshold - offset) below++;
            }
          }
          expect(finished.area).toBe(mask.area);
          if (doubtful === 0) expect(finished.stability).toBe(below === 0 ? 0 : above / below);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("gives an empty mask the stability 0, and a full one 1", () => {
    const empty = finishMask(new Float32Array(16).fill(-9), 4, 4, 10, 10);
    expect([empty.area, empty.stability]).toEqual([0, 0]);
    const full = finishMask(new Float32Array(16).fill(9), 4, 4, 10, 10);
    expect([full.area, full.stability]).toEqual([100, 1]);
  });

  it("takes what is no number as background", () => {
    const logits = new Float32Array(16).fill(5);
    logits[5] = Number.NaN;
    const finished = finishMask(logits, 4, 4, 4, 4);
    expect(new Mask(4, 4, finished.words).has(1, 1)).toBe(false);
  });
});

interface Case {
  id: string;
  image: string;
  expected: { low_res_logits: { file: string }; mask: unknown[] };
}

interface ExpectedMask {
  file: string;
  foreground: number;
}

describeWithShared("finishMask on the official masks", () => {
  it.each(["unsamv2-mini", "sam21-mini"])("%s: every mask of every case", async (set) => {
    const prompts = JSON.parse(readFileSync(shared("parity", set, "prompts.json"), "utf8")) as {
      images: { id: string; width: number; height: number }[];
      cases: Case[];
    };
    let masks = 0;
    for (const { id, image, expected } of prompts.cases) {
      const { width, height } = prompts.images.find((one) => one.id === image)!;
      const file = shared("parity", set, expected.low_res_logits.file);
      const logits = parseNpy(readFileSync(file), file);
      const [h, w] = logits.shape.slice(-2);
      for (const [k, { file, foreground }] of (expected.mask.flat() as ExpectedMask[]).entries()) {
        const reference = await Mask.fromPNG(readFileSync(shared("parity", set, file)));
        expect(reference.area).toBe(foreground);
        const finished = finishMask(logits.data.subarray(k * h * w, (k + 1) * h * w), h, w, width, height);
        const mask = new Mask(width, height, finished.words);
        expect(mask.iou(reference), id).toBeGreaterThan(0.9999);
        const differing = mask.area + reference.area - 2 * mask.intersection(reference);
        expect(differing / (width * height), id).toBeLessThanOrEqual(1e-4);
        masks++;
      }
    }
    expect(masks).toBeGreaterThan(40);
  });
});
