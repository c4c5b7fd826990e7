import { describeWithShared } from "@unsam/test-support";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSession } from "#core/runtime/index.js";
import { type MemoryNetwork, openNativeMemory } from "#core/video/index.js";
import { OnnxMemoryNetwork } from "#core/video/onnx-memory-network.js";
import type { MemoryFeed } from "#core/video/video-network.js";
import { addon } from "../operations/addon.js";
import { largestDifference } from "../support/compare.js";
import { randomValues } from "../support/random.js";
import { VideoSet } from "../support/video-set.js";

const CELLS = 256;

describeWithShared("memory in the addon beside ONNX Runtime", () => {
  let onnx: MemoryNetwork;
  const natives: MemoryNetwork[] = [];
  let close: () => Promise<void> = async () => {};
  const features = randomValues(256 * CELLS, 1);

  beforeAll(async () => {
    if (addon === null) return;
    const { model, close: end } = await new VideoSet().open("sam2.1");
    close = end;
    const video = model.video!();
    onnx = await OnnxMemoryNetwork.open(video, (bytes) => openSession(bytes, { threads: 1 }));
    for (const threads of [1, 2, 3])
      natives.push(await openNativeMemory(addon, video.memorySource!, threads));
  });
  afterAll(async () => {
    for (const network of [onnx, ...natives]) await network?.release();
    await close();
  });

  const feed = (frames: number, tokens: number): MemoryFeed => ({
    memory: randomValues(frames * CELLS * 64, 2),
    times: randomValues(frames * 64, 3),
    pointers: randomValues(tokens * 64, 4),
    pointerTimes: randomValues(tokens * 64, 5),
  });

  it.skipIf(addon === null).each([
    [1, 0],
    [1, 4],
    [7, 64],
  ])(
    "attends to %i memories and %i pointer tokens, with the same bits for any number of threads",
    async (frames, tokens) => {
      const expected = await onnx.attend(features, feed(frames, tokens));
      const found = await Promise.all(natives.map((one) => one.attend(features, feed(frames, tokens))));
      expect(largestDifference(found[0], expected)).toBeLessThan(1e-4);
      for (const other of found.slice(1)) expect(other).toEqual(found[0]);
    },
  );

  it.skipIf(addon === null).each([false, true])("remembers a frame, absent: %s", async (absent) => {
    const mask = randomValues(256 * 256, 6).map((value) => 20 / (1 + Math.exp(-9 * value)) - 10);
    const expected = await onnx.remember(features, mask, absent);
    const found = await Promise.all(natives.map((one) => one.remember(features, mask, absent)));
    expect(largestDifference(found[0], expected)).toBeLessThan(1e-4);
    for (const other of found.slice(1)) expect(other).toEqual(found[0]);
  });
});
