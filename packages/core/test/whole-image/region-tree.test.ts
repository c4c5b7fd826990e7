import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine, EngineImage } from "#core/engine/index.js";
import { openModel } from "#core/families/index.js";
import { decodeImage, type RgbImage } from "#core/image/index.js";
import { findComponents, packedIntersection, packedIoU, unpackMask } from "#core/mask/index.js";
import {
  type Crop,
  type GeneratedMasks,
  type GenerationSource,
  type GenerationStep,
  generateMasks,
  OFFICIAL_OPTIONS,
  type WholeImageOptions,
} from "#core/whole-image/index.js";

let engine: Engine;
let photo: RgbImage;
let image: EngineImage;
let source: GenerationSource;

beforeAll(async () => {
  engine = await openModel("region-tree", { threads: 2 });
  photo = await decodeImage(inRepository("docs", "images", "fruit-board.jpg"));
  image = await engine.encode(photo, {});
  source = { image, crop: (crop) => engine.encode(cut(photo, crop), {}), addon: null };
});
afterAll(() => engine.dispose());

function cut({ width, data }: RgbImage, { box: [x0, y0, x1, y1] }: Crop): RgbImage {
  const cropped = new Uint8Array((x1 - x0) * (y1 - y0) * 3);
  for (let y = y0; y < y1; y++) {
    cropped.set(data.subarray((y * width + x0) * 3, (y * width + x1) * 3), (y - y0) * (x1 - x0) * 3);
  }
  return { width: x1 - x0, height: y1 - y0, data: cropped };
}

async function run(
  options: Partial<WholeImageOptions>,
): Promise<{ result: GeneratedMasks; steps: GenerationStep[] }> {
  const thresholds = { predictedIou: 0, stability: 0, multimask: false };
  const generation = generateMasks(source, { ...OFFICIAL_OPTIONS, ...thresholds, ...options });
  const steps: GenerationStep[] = [];
  for (;;) {
    const { done, value } = await generation.next();
    if (done) return { result: value, steps };
    steps.push(value);
  }
}

/** Share of the pixels in any of the masks. */
function covered({ masks }: GeneratedMasks): number {
  const all = new Uint32Array(Math.ceil(photo.width / 32) * photo.height);
  for (const { mask } of masks) {
    unpackMask(mask).forEach((word, i) => {
      all[i] |= word;
    });
  }
  let bits = 0;
  for (let word of all) for (; word !== 0; word &= word - 1) bits++;
  return bits / (photo.width * photo.height);
}

describe("prompting a region tree", () => {
  it.each([0.2, 0.5, 0.8])("at granularity %f needs few clicks where they are chosen", async (level) => {
    const grid = (await run({ levels: [level] })).result;
    const adaptive = (await run({ levels: [level], prompting: "adaptive" })).result;
    expect(grid.levels[0].prompts).toBe(1024);
    expect(adaptive.levels[0].prompts).toBeLessThanOrEqual(410);
    expect(covered(adaptive)).toBeGreaterThanOrEqual(0.98 * covered(grid));
    // The sampled share is near the true one.
    expect(Math.abs(adaptive.levels[0].coverage - covered(adaptive))).toBeLessThan(0.01);
  });

  it("never clicks into what is covered already", async () => {
    const { steps } = await run({ levels: [0.3], prompting: "adaptive" });
    const before: GenerationStep["found"][number][] = [];
    for (const { found } of steps) {
      for (const { point } of found) {
        const [x, y] = point.map(Math.floor);
        const inside = before.some(
          ({ mask }) => (unpackMask(mask)[y * Math.ceil(photo.width / 32) + (x >> 5)] >>> (x & 31)) & 1,
        );
        expect(inside).toBe(false);
      }
      before.push(...found);
    }
    expect(before.length).toBeGreaterThan(20);
  });

  it("keeps one of masks that several levels find, at the finest of them", async () => {
    const levels = [0.5, 0.52, 0.9];
    const { result } = await run({ levels, prompting: "adaptive" });
    for (const [i, a] of result.masks.entries()) {
      for (const b of result.masks.slice(i + 1)) expect(packedIoU(a.mask, b.mask)).toBeLessThanOrEqual(0.9);
    }
    const alone = (await run({ levels: [0.5], prompting: "adaptive" })).result;
    const first = result.masks.filter(({ level }) => level === 0);
    expect(first.length).toBe(alone.masks.length);
  });

  it("looks closer in crops, and drops what they cut off", async () => {
    const { result } = await run({ levels: [0.35], pointsPerSide: 10, cropLayers: 1 });
    const whole = [0, 0, photo.width, photo.height].join();
    const fromCrops = result.masks.filter(({ cropBox }) => cropBox.join() !== whole);
    expect(fromCrops.length).toBeGreaterThan(0);
    for (const { mask, cropBox, point } of fromCrops) {
      expect(mask.width).toBe(photo.width);
      for (const [side, edge] of mask.box.entries()) {
        const ofImage = [0, 0, photo.width, photo.height][side];
        expect(Math.abs(edge - cropBox[side]) > 20 || Math.abs(edge - ofImage) <= 20).toBe(true);
      }
      expect(point[0] >= cropBox[0] && point[0] < cropBox[2]).toBe(true);
      const [x, y] = point.map(Math.floor);
      expect((unpackMask(mask)[y * Math.ceil(photo.width / 32) + (x >> 5)] >>> (x & 31)) & 1).toBe(1);
    }
    // Smaller crops are preferred: their masks come first.
    expect(result.masks[0].cropBox.join()).not.toBe(whole);
  });

  it("leaves no small holes and islands where none are wanted", async () => {
    const { result } = await run({ levels: [0.6], pointsPerSide: 16, minRegionArea: 200 });
    for (const { mask } of result.masks) {
      const { areas } = findComponents(unpackMask(mask), mask.width, mask.height, 8);
      if (areas.length > 1) expect(Math.min(...areas)).toBeGreaterThanOrEqual(200);
    }
  });

  it("stops when told to, at once, and goes on with the next run", async () => {
    const controller = new AbortController();
    const options = { ...OFFICIAL_OPTIONS, predictedIou: 0, stability: 0 };
    const generation = generateMasks(source, options, controller.signal);
    await generation.next();
    controller.abort(new Error("enough"));
    await expect(generation.next()).rejects.toThrow("enough");
    expect((await run({ pointsPerSide: 4 })).result.masks.length).toBeGreaterThan(0);
  });
});

describe("the regions worth keeping", () => {
  it("are a forest that covers the photo, graded from 0.1 to 1", async () => {
    const { result, steps } = await run({ levels: [0, 1], prompting: "regions" });
    expect(steps.flatMap(({ found }) => found).length).toBe(result.masks.length);
    expect(result.masks.length).toBeGreaterThan(30);
    expect(covered(result)).toBeGreaterThan(0.995);
    const granularities = result.masks.map(({ granularity }) => granularity!);
    expect(Math.min(...granularities)).toBeGreaterThanOrEqual(0.1);
    expect(Math.max(...granularities)).toBe(1);
    // Any two are nested or apart.
    for (const [i, a] of result.masks.entries()) {
      for (const b of result.masks.slice(i + 1)) {
        const common = packedIntersection(a.mask, b.mask);
        expect([0, Math.min(a.mask.area, b.mask.area)]).toContain(common);
        if (common > 0 && a.mask.area < b.mask.area) expect(a.granularity).toBeLessThan(b.granularity!);
      }
    }
  });

  it("of one granularity are those that own pixels there", async () => {
    const all = (await run({ levels: [0, 1], prompting: "regions" })).result;
    const some = (await run({ levels: [0.4], prompting: "regions" })).result;
    expect(some.masks.length).toBeLessThan(all.masks.length);
    expect(covered(some)).toBeCloseTo(covered(all), 6);
  });
});
