import { readFileSync } from "node:fs";
import type { NativeBinding, NativeFinishedMasks } from "@unsam/native-cuda";
import { shared, sharedRoot } from "@unsam/test-support";
import { expect, it } from "vitest";
import { boundingBox, encodeRLE, finishMask } from "#core/mask/index.js";
import { parseNpy } from "#core/npy.js";
import { describeTwins, expectSameBits, THRESHOLDS, WORK } from "./addon.js";
import { randomScene } from "./scenes.js";

interface Maps {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}
const ALL = { ...THRESHOLDS, ...WORK, keepWords: true, runLengths: true };

/** Holds everything the addon says of finished masks to the TypeScript functions. */
function expectTwins(
  found: NativeFinishedMasks,
  { count, height, width, data }: Maps,
  size: { width: number; height: number },
  thresholds: { threshold: number; stabilityOffset: number },
): void {
  const stride = Math.ceil(size.width / 32) * size.height;
  expect(found.masks).toMatchObject({ count, ...size });
  expect(found.masks.words.length).toBe(count * stride);
  for (let k = 0; k < count; k++) {
    const map = data.subarray(k * height * width, (k + 1) * height * width);
    const twin = finishMask(map, height, width, size.width, size.height, thresholds);
    const what = `mask ${k} of ${count}, ${width}×${height} to ${size.width}×${size.height}`;
    expectSameBits(found.masks.words.subarray(k * stride, (k + 1) * stride), twin.words, what);
    expect([found.areas[k], found.stability[k]], what).toEqual([twin.area, twin.stability]);
    const box = boundingBox(size.width, size.height, twin.words);
    const corners =
      twin.area > 0 ? [box.x, box.y, box.x + box.width - 1, box.y + box.height - 1] : [0, 0, 0, 0];
    expect([...found.boxes.subarray(4 * k, 4 * k + 4)], what).toEqual(corners);
    const { counts } = encodeRLE(twin.words, size.width, size.height, false);
    expectSameBits(found.runLengths![k], Uint32Array.from(counts as number[]), what);
  }
}

describeTwins("finishMasks and finishMask", (binding) => {
  it("agree on random maps, sizes and thresholds", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { maps, random } = randomScene(seed);
      const size = { width: random.int(1, 150), height: random.int(1, 90) };
      const thresholds = { threshold: random.int(-2, 2) / 2, stabilityOffset: random.int(0, 3) / 2 };
      const found = await binding.finishMasks(maps, size, { ...ALL, ...thresholds });
      expectTwins(found, maps, size, thresholds);
    }
  });

  it("agree on values next to the thresholds, where rounding decides", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { maps, random } = randomScene(seed);
      const data = maps.data.map(() => random.int(-1, 1) + random.int(-4, 4) * 2 ** -23);
      const size = { width: random.int(1, 150), height: random.int(1, 90) };
      const found = await binding.finishMasks({ ...maps, data }, size, ALL);
      expectTwins(found, { ...maps, data }, size, THRESHOLDS);
    }
  });

  it("take maps in one array or in several, with 1, 2 or 8 threads", async () => {
    const { maps } = randomScene(7);
    const size = { width: 133, height: 77 };
    const pieces = Array.from({ length: maps.count }, (_, k) =>
      maps.data.subarray(k * maps.height * maps.width, (k + 1) * maps.height * maps.width),
    );
    const first = await binding.finishMasks(maps, size, ALL);
    for (const threads of [1, 2, 8]) {
      expect(await binding.finishMasks({ ...maps, data: pieces }, size, { ...ALL, threads })).toEqual(first);
    }
  });

  it("keep only what is asked for", async () => {
    const { maps } = randomScene(8);
    const size = { width: 100, height: 60 };
    const all = await binding.finishMasks(maps, size, ALL);
    const { masks, ...rest } = await binding.finishMasks(maps, size, { ...ALL, keepWords: false });
    expect(masks.words.length).toBe(0);
    const { masks: _, ...expected } = all;
    expect(rest).toEqual(expected);
    const without = await binding.finishMasks(maps, size, { ...ALL, runLengths: false });
    expect(without).toEqual({ ...all, runLengths: null });
  });

  it.skipIf(sharedRoot === null)("agree on every mask of the parity cases", async () => {
    const masks = [await parityMasks(binding, "unsamv2-mini"), await parityMasks(binding, "sam21-mini")];
    for (const count of masks) expect(count).toBeGreaterThan(40);
  });
});

async function parityMasks(binding: NativeBinding, set: string): Promise<number> {
  const prompts = JSON.parse(readFileSync(shared("parity", set, "prompts.json"), "utf8")) as {
    images: { id: string; width: number; height: number }[];
    cases: { image: string; expected: { low_res_logits: { file: string } } }[];
  };
  let masks = 0;
  for (const { image, expected } of prompts.cases) {
    const { width: imageWidth, height: imageHeight } = prompts.images.find((one) => one.id === image)!;
    const size = { width: imageWidth, height: imageHeight };
    const file = shared("parity", set, expected.low_res_logits.file);
    const { data, shape } = parseNpy(readFileSync(file), file);
    const [height, width] = shape.slice(-2);
    const maps = { count: data.length / (height * width), height, width, data };
    expectTwins(await binding.finishMasks(maps, size, ALL), maps, size, THRESHOLDS);
    masks += maps.count;
  }
  return masks;
}
