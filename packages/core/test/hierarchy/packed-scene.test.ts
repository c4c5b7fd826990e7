import { loadNative } from "@unsam/native-cuda";
import { describe, expect, it } from "vitest";
import {
  buildPackedScene,
  type FusionKernels,
  fuseLabels,
  fuseLogits,
  maskStatistics,
  nativeKernels,
  plainKernels,
} from "#core/hierarchy/index.js";
import { type PackedMask, packMask } from "#core/mask/index.js";
import { randomScene } from "../addon-twins/scenes.js";

const native = await loadNative({ cacheDir: null });
if (native.binding === null && process.env.UNSAM_REQUIRE_NATIVE) throw new Error(native.reason);
const kernels: [string, FusionKernels][] = [["TypeScript", plainKernels]];
if (native.binding) kernels.push(["the addon", nativeKernels(native.binding, 2)]);

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

describe("bands", () => {
  it("of rows give the overlaps that all rows at once give", async () => {
    // 3000 × 2000 pixels and 300 masks: a band holds 29 rows.
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
    const scene = await buildPackedScene(masks, { width, height }, scores, granularities, plainKernels);

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
});
