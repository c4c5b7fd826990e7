import { loadNative } from "@unsam/native-cuda";
import { describe, expect, it } from "vitest";
import {
  buildPackedScene,
  commonPixels,
  type FusionSteps,
  fuseLabels,
  fuseLogits,
  maskStatistics,
} from "#core/fusion/index.js";
import { type PackedMask, packMask } from "#core/mask/index.js";
import { operationsOf } from "#core/operations/index.js";
import { randomScene } from "../operations/random-scenes.js";

const native = await loadNative({ cacheDir: null });
if (native.binding === null && process.env.UNSAM_REQUIRE_NATIVE) throw new Error(native.reason);
const inTypeScript = operationsOf(null);
const kernels: [string, FusionSteps][] = [["TypeScript", inTypeScript]];
if (native.binding) kernels.push(["the addon", operationsOf(native.binding, 2)]);

/** The masks of a scene of logits, each packed. */
function packedMasks(maps: Parameters<typeof maskStatistics>[0]): PackedMask[] {
  const { masks } = maskStatistics(maps);
  const size = masks.words.length / masks.count;
  return Array.from({ length: masks.count }, (_, k) =>
    packMask(masks.words.slice(k * size, (k + 1) * size), masks.width, masks.height),
  );
}

describe.each(kernels)("a scene of packed masks, fused by %s", (_, kernels) => {
  it("is the scene of their logits", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { maps, scores, granularities } = randomScene(seed);
      const expected = fuseLogits(maps, scores, granularities, { minArea: 0, maxIoU: 0.7 });
      const scene = await buildPackedScene(packedMasks(maps), maps, scores, granularities, kernels, {
        maxIoU: 0.7,
      });
      expect(scene.kept, `seed ${seed}`).toEqual(expected.kept);
      expect(scene.forest.parent, `seed ${seed}`).toEqual(expected.forest.parent);
    }
  });

  it("gives a mask found at several granularities the lowest of them", async () => {
    const words = Uint32Array.from([0b1111, 0b1111, 0, 0]);
    const mask = packMask(words, 8, 4);
    const scene = await buildPackedScene(
      [mask, mask, mask],
      { width: 8, height: 4 },
      Float64Array.from([0.5, 0.9, 0.7]),
      Float64Array.from([0.2, 0.6, 0.4]),
      kernels,
    );
    expect([...scene.kept]).toEqual([1]);
    expect([...scene.granularities]).toEqual([0.2]);
    expect(scene.contours).toEqual(fuseLabels(scene.finest, scene.forest, 8, 4));
  });
});

describe("tiles", () => {
  it("of rows give the overlaps that all rows at once give", async () => {
    // 3000 × 2000 pixels and 300 masks: a tile holds 29 rows.
    const [width, height, count] = [3000, 2000, 300];
    const stride = Math.ceil(width / 32);
    const rectangles = Array.from({ length: count }, (_, k) => {
      const x0 = (k * 577) % 2500;
      const y0 = (k * 331) % 1700;
      return { x0, y0, x1: x0 + 60 + ((k * 97) % 440), y1: y0 + 1 + ((k * 13) % 300) };
    });
    const masks = rectangles.map(({ x0, y0, x1, y1 }) => {
      const words = new Uint32Array(stride * height);
      for (let y = y0; y < y1; y++) {
        for (let x = x0; x < x1; x++) words[y * stride + (x >> 5)] |= 1 << (x & 31);
      }
      return packMask(words, width, height);
    });
    const scores = Float64Array.from(masks, (_, k) => 1 - k / count);
    const granularities = Float64Array.from(masks, () => 0.5);
    const scene = await buildPackedScene(masks, { width, height }, scores, granularities, inTypeScript);

    const common = (a: number, b: number) => {
      const [p, q] = [rectangles[a], rectangles[b]];
      const w = Math.min(p.x1, q.x1) - Math.max(p.x0, q.x0);
      const h = Math.min(p.y1, q.y1) - Math.max(p.y0, q.y0);
      return Math.max(0, w) * Math.max(0, h);
    };
    const area = (k: number) => common(k, k);
    const kept: number[] = [];
    for (let k = 0; k < count; k++) {
      if (kept.every((j) => common(j, k) <= 0.9 * (area(j) + area(k) - common(j, k)))) kept.push(k);
    }
    expect([...scene.kept]).toEqual(kept);
    scene.forest.parent.forEach((parent, r) => {
      const larger = kept
        .filter((k) => area(k) > area(kept[r]) && common(k, kept[r]) >= 0.8 * area(kept[r]))
        .sort((a, b) => area(a) - area(b) || b - a);
      // Of equal areas the lower score is the smaller mask, and scores fall with the index.
      expect(parent < 0 ? undefined : kept[parent]).toBe(larger[0]);
    });
  });

  it("of columns give them too, where one row of all masks is more than a tile", async () => {
    // 4000 masks of a strip of 80,000 pixels: a row of all of them is 40 MB, a tile holds 2097 of its 2500 words.
    const [width, height, count] = [80_000, 2, 4000];
    const spans = Array.from({ length: count }, (_, k) => {
      const x0 = (k * 20_011) % 79_000;
      return { x0, x1: x0 + 1 + ((k * 37) % 900) };
    });
    const masks = spans.map(({ x0, x1 }): PackedMask => {
      const one = packMask(
        new Uint32Array(2 * Math.ceil((x1 - x0) / 32)).fill(-1).map((word, i, all) => {
          const last = i % (all.length / 2) === all.length / 2 - 1;
          return last && (x1 - x0) % 32 > 0 ? word >>> (32 - ((x1 - x0) % 32)) : word;
        }),
        x1 - x0,
        2,
        { x: x0, y: 0, width, height },
      );
      expect(one.area).toBe(2 * (x1 - x0));
      return one;
    });
    const scores = Float64Array.from(masks, (_, k) => 1 - k / count);
    let largest = 0;
    const watching: FusionSteps = {
      ...inTypeScript,
      pairwiseOverlaps: (stack, boxes) => {
        largest = Math.max(largest, stack.words.byteLength);
        return inTypeScript.pairwiseOverlaps(stack, boxes);
      },
      buildForest: async (areas, scores, granularities, overlaps, containment) => {
        for (let i = 0; i < count; i += 7) {
          for (let j = i + 1; j < count; j += 3) {
            const wanted =
              2 * Math.max(0, Math.min(spans[i].x1, spans[j].x1) - Math.max(spans[i].x0, spans[j].x0));
            if (commonPixels(overlaps, i, j) !== wanted) expect.fail(`masks ${i} and ${j}`);
          }
        }
        return inTypeScript.buildForest(areas, scores, granularities, overlaps, containment);
      },
    };
    const size = { width, height };
    const granularities = new Float64Array(count).fill(0.5);
    const scene = await buildPackedScene(masks, size, scores, granularities, watching, { maxIoU: 1 });
    expect(scene.kept.length).toBe(count);
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThanOrEqual(32 * 2 ** 20);
  });
});

describe("an abort", () => {
  it("ends fusion between two masks", async () => {
    const mask = packMask(Uint32Array.of(1, 1), 1, 2);
    for (const after of [0, 1, 3]) {
      let looked = 0;
      const signal = {
        aborted: false,
        throwIfAborted: () => {
          if (looked++ >= after) throw new DOMException("enough", "AbortError");
        },
      };
      const values = new Float64Array(9).fill(0.5);
      const fusing = buildPackedScene(
        Array(9).fill(mask),
        { width: 1, height: 2 },
        values,
        values,
        inTypeScript,
        {
          maxIoU: 1,
          signal,
        },
      );
      await expect(fusing).rejects.toMatchObject({ name: "AbortError" });
      expect(looked).toBe(after + 1);
    }
  });
});
