import { expect, it } from "vitest";
import { nativeFinisher } from "#core/engine/native-finisher.js";
import { workerFinisher } from "#core/engine/worker-finisher.js";
import { Turns } from "#core/runtime/index.js";
import { Random, randomLogits } from "../fusion/random.js";
import { describeWithAddon } from "./addon.js";

const KEEP_ALL = { maxHoleArea: 0, maxSprinkleArea: 0 };

function randomMaps(count: number, side: number, seed: number): Float32Array[] {
  const data = randomLogits(new Random(seed), count, side, side);
  return Array.from({ length: count }, (_, k) => data.slice(k * side * side, (k + 1) * side * side));
}

describeWithAddon("the engine's two ways to finish masks", (binding) => {
  const native = nativeFinisher(binding, new Turns(), 2);

  it.each([
    ["no mask", 0, { width: 30, height: 20 }],
    ["one", 1, { width: 301, height: 77 }],
    ["three of a small image", 3, { width: 33, height: 20 }],
    ["twenty of a large image, in several calls", 20, { width: 3001, height: 2003 }],
  ])("give the same masks: %s", async (_, count, size) => {
    const maps = randomMaps(count, 64, count);
    for (const cleaning of [KEEP_ALL, { maxHoleArea: 6, maxSprinkleArea: 4 }]) {
      const found = await native.finish(maps, 64, size, cleaning);
      const expected = await workerFinisher.finish(maps, 64, size, cleaning);
      expect(found.length).toBe(count);
      for (const [k, { words, stability }] of expected.entries()) {
        expect(Buffer.from(found[k].words.buffer).equals(Buffer.from(words.buffer)), `mask ${k}`).toBe(true);
        expect(found[k].stability).toBe(stability);
      }
    }
  });

  it("stop at a signal with its reason, before or while they work", async () => {
    const maps = randomMaps(40, 256, 3);
    const size = { width: 4000, height: 3000 };
    for (const finisher of [native, workerFinisher]) {
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      await expect(finisher.finish(maps, 256, size, { ...KEEP_ALL, signal })).rejects.toBe(reason);
      const controller = new AbortController();
      const running = finisher.finish(maps, 256, size, { ...KEEP_ALL, signal: controller.signal });
      setTimeout(() => controller.abort(reason), 5);
      await expect(running).rejects.toBe(reason);
    }
  });
});
