import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ImageFeatures } from "#core/decoder/index.js";
import { type FrameFeatures, FrameStore } from "#core/video/index.js";
import { randomValues } from "../support/random.js";

/** Bytes of the features below. */
const SIZE = 4 * (3 * 16 + 2 * 64);

const featuresOf = (frame: number): ImageFeatures => ({
  image_embed: { data: randomValues(3 * 16, frame), shape: [3, 4, 4] },
  high_res_0: { data: randomValues(2 * 64, 100 + frame), shape: [2, 8, 8] },
});

/** As a network makes them ready: here what came in, to be looked at. */
const makeReady = async (features: ImageFeatures): Promise<FrameFeatures> => ({
  plain: features.image_embed.data,
  skips: features,
  bytes: SIZE,
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-spill-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("gives back the bits of frames that memory had no room for, from a file that nobody sees", async () => {
  const store = await FrameStore.open(0, makeReady, { folder: path.join(folder, "new"), maxBytes: 2 ** 20 });
  expect(await readdir(path.join(folder, "new"))).toEqual([]);
  for (let frame = 0; frame < 9; frame++) await store.add(frame, featuresOf(frame));
  for (const frame of [3, 0, 8, 3]) expect((await store.get(frame))?.skips).toEqual(featuresOf(frame));
  await store.add(3, featuresOf(50));
  await store.add(4, featuresOf(4));
  expect((await store.get(3))?.skips).toEqual(featuresOf(50));
  expect([store.has(9), await store.get(9)]).toEqual([false, null]);
  await store.close();
});

it("keeps to the size of its file: the frame that was written first makes room", async () => {
  const store = await FrameStore.open(0, makeReady, { folder, maxBytes: 3 * SIZE + 1 });
  for (let frame = 0; frame < 5; frame++) await store.add(frame, featuresOf(frame));
  expect([0, 1, 2, 3, 4].filter((frame) => store.has(frame))).toEqual([2, 3, 4]);
  for (const frame of [2, 3, 4]) expect((await store.get(frame))?.skips).toEqual(featuresOf(frame));
  await store.close();

  const none = await FrameStore.open(0, makeReady, { folder, maxBytes: SIZE - 1 });
  for (let frame = 0; frame < 2; frame++) await none.add(frame, featuresOf(frame));
  expect([none.has(0), none.has(1)]).toEqual([false, true]);
  await none.close();
});

it("forgets what memory has no room for where there is no folder", async () => {
  const store = await FrameStore.open(2 * SIZE, makeReady);
  for (let frame = 0; frame < 3; frame++) await store.add(frame, featuresOf(frame));
  expect([0, 1, 2].filter((frame) => store.has(frame))).toEqual([1, 2]);
});

it("says which folder takes no file", async () => {
  const file = path.join(folder, "file");
  await writeFile(file, "");
  await expect(FrameStore.open(0, makeReady, { folder: file, maxBytes: 1 })).rejects.toMatchObject({
    code: "E_IO",
    message: expect.stringContaining(file),
  });
});
