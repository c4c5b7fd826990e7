import { chmod, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Mask, UnSAM, type VideoOptions } from "@unsam/sdk";
import { describeWithShared, inRepository, pseudoRandom } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  codeOf,
  collect,
  expectedLogits,
  fixture,
  framePaths,
  largestDifference,
  readJson,
} from "./video-fixture.js";

const CLICK: [number, number] = [32, 17];

describeWithShared("a video with SAM 2.1", () => {
  let unsam: UnSAM;

  beforeAll(async () => {
    const config = await readJson<object>("config.json");
    unsam = await UnSAM.load({
      model: { checkpoint: fixture("checkpoint.safetensors"), config },
      threads: 1,
    });
  });
  afterAll(() => unsam.dispose());

  it("answers as the official predictor", async () => {
    await using video = await unsam.openVideo(framePaths(12));
    expect([video.width, video.height, video.length]).toEqual([256, 144, 12]);
    const object = video.object();
    const first = await object.prompt(0, { points: [CLICK] });
    const [prompted, tracked] = await Promise.all(["click.0", "click.1"].map(expectedLogits));
    expect(largestDifference(first.logits.data, prompted)).toBeLessThan(1e-3);
    expect(first).toMatchObject({ isPresent: true, granularity: null });
    const frames = await collect(video);
    expect(frames.map(({ frame }) => frame)).toEqual([...Array(12).keys()]);
    frames.forEach(({ logits }, i) => {
      const expected = tracked.subarray(i * 4096, (i + 1) * 4096);
      expect(largestDifference(logits.get(object.id)!, expected), `frame ${i}`).toBeLessThan(0.1);
    });
    expect(frames[0].masks.get(object.id)!.equals(first.mask)).toBe(true);
  });

  it("says where its memory is computed, by choice", async () => {
    await using automatic = await unsam.openVideo(framePaths(2));
    expect(automatic.memory).toBe(unsam.model.kernels === "native" ? "native" : "onnx");
    expect(automatic.reasons.memory).toMatch(/^.{10,}\.$/);
    const answers: Float32Array[] = [];
    for (const memory of ["auto", "onnx"] as const) {
      await using video = await unsam.openVideo(framePaths(2), { memory });
      await video.object().prompt(0, { points: [CLICK] });
      answers.push((await collect(video))[1].logits.get(1)!);
      expect(video.memory).toBe(memory === "auto" ? automatic.memory : "onnx");
    }
    // Memories are rounded to bfloat16.
    expect(largestDifference(answers[0], answers[1])).toBeLessThan(0.02);
    if (automatic.memory === "native") return;
    const native = unsam.openVideo(framePaths(2), { memory: "native" });
    await expect(native).rejects.toMatchObject({ code: "E_UNSUPPORTED" });
  });

  it("goes backwards, from the middle", async () => {
    await using video = await unsam.openVideo(framePaths(8));
    await video.object().prompt(5, { points: [[23, 83]] });
    const frames = await collect(video, { direction: "backward" });
    expect(frames.map(({ frame }) => frame)).toEqual([5, 4, 3, 2, 1, 0]);
    const expected = await expectedLogits("middle.1");
    frames.forEach(({ logits }, i) => {
      expect(largestDifference(logits.get(1)!, expected.subarray(i * 4096, (i + 1) * 4096))).toBeLessThan(
        0.1,
      );
    });
    expect((await collect(video, { from: 6, to: 7 })).map(({ frame }) => frame)).toEqual([6, 7]);
  });

  it("keeps a correction, or loses it as the official predictor does", async () => {
    for (const keepCorrections of [true, false]) {
      await using video = await unsam.openVideo(framePaths(7), { keepCorrections });
      const object = video.object();
      await object.prompt(0, { points: [CLICK] });
      const [, , , , , before] = await collect(video);
      const corrected = await object.prompt(5, { points: [[65, 36, "background"]] });
      expect(corrected.mask.equals(before.masks.get(1)!)).toBe(false);
      const [, , , , , after] = await collect(video);
      expect(after.masks.get(1)!.equals(keepCorrections ? corrected.mask : before.masks.get(1)!)).toBe(true);
    }
  });

  it.each([
    ["float32-memory", 7, { memoryPrecision: "float32", keepCorrections: false }, 2e-3],
    ["stride", 9, { memoryStride: 3 }, 0.1],
  ] as const)("repeats the session %s", async (id, length, options, limit) => {
    const { cases } = await readJson<{ cases: { id: string; steps: { points: [number, number][] }[] }[] }>(
      "cases.json",
    );
    const { points } = cases.find((one) => one.id === id)!.steps[0];
    await using video = await unsam.openVideo(framePaths(length), options);
    await video.object().prompt(0, { points });
    const expected = await expectedLogits(`${id}.1`);
    const frames = await collect(video);
    expect(frames).toHaveLength(length);
    frames.forEach(({ logits }, i) => {
      const reference = expected.subarray(i * 4096, (i + 1) * 4096);
      expect(largestDifference(logits.get(1)!, reference), `frame ${i}`).toBeLessThan(limit);
    });
  });

  it("takes a mask as it is, and points that correct it", async () => {
    await using video = await unsam.openVideo(framePaths(3));
    const square = Mask.fromBytes(
      256,
      144,
      Array.from({ length: 256 * 144 }, (_, i) => (i % 256 >= 64 && i % 256 < 128 && i < 256 * 72 ? 1 : 0)),
    );
    const object = video.object();
    const taken = await object.prompt(0, { mask: square });
    expect(taken).toMatchObject({ score: 1, objectScore: 10 });
    expect(taken.mask.iou(square)).toBeGreaterThan(0.97);
    const corrected = await object.prompt(0, { mask: square, points: [CLICK] });
    expect(corrected.mask.equals(taken.mask)).toBe(false);
  });

  it("leaves the other objects' bits alone where one is added, removed or cleared", async () => {
    await using alone = await unsam.openVideo(framePaths(4));
    await alone.object().prompt(0, { points: [CLICK] });
    const expected = await collect(alone);
    await using video = await unsam.openVideo(framePaths(4));
    const first = video.object();
    const second = video.object();
    await second.prompt(1, { points: [[120, 49]] });
    await first.prompt(0, { points: [CLICK] });
    const both = await collect(video);
    await second.remove();
    expect(video.objects).toEqual([first]);
    const one = await collect(video);
    expected.forEach(({ logits }, i) => {
      expect(both[i].logits.get(first.id)).toEqual(logits.get(1));
      expect(one[i].logits.get(first.id)).toEqual(logits.get(1));
      expect([...one[i].logits.keys()]).toEqual([first.id]);
    });
    expect(await codeOf(second.prompt(0, { points: [CLICK] }))).toBe("E_BAD_PROMPT");
    await video.reset();
    expect(await codeOf(collect(video))).toBe("E_BAD_PROMPT");
  });

  it("does not mix two videos, and gives masks that share no pixel where that is asked", async () => {
    await using one = await unsam.openVideo(framePaths(4));
    await using other = await unsam.openVideo(framePaths(4).reverse(), { nonOverlapping: true });
    await one.object().prompt(0, { points: [CLICK] });
    await other.object().prompt(0, { points: [CLICK] });
    await other.object().prompt(0, { points: [[102, 8]] });
    const [alone, beside] = await Promise.all([collect(one), collect(other)]);
    for (const { masks } of beside) expect(masks.get(1)!.intersection(masks.get(2)!)).toBe(0);
    expect(await collect(one)).toEqual(alone);
  });

  it("answers a correction of a stream's past from what was put aside, with the bits of memory", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "unsam-spill-"));
    async function* stream() {
      yield* framePaths(5);
    }
    const correct = async (frames: string[] | AsyncIterable<string>, options: VideoOptions) => {
      await using video = await unsam.openVideo(frames, options);
      const object = video.object();
      await object.prompt(0, { points: [CLICK] });
      await collect(video);
      await object.prompt(2, { points: [[40, 20, "background"]] });
      return await collect(video, { from: 2 });
    };
    const put = await correct(stream(), { maxFeatureBytes: 0, spillFolder: folder });
    expect(put.map(({ frame }) => frame)).toEqual([2, 3, 4]);
    expect(await correct(stream(), {})).toEqual(put);
    await expect(correct(stream(), { maxFeatureBytes: 0 })).rejects.toMatchObject({
      code: "E_UNSUPPORTED",
      message: expect.stringContaining("spillFolder"),
    });
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
    expect(await codeOf(unsam.openVideo(framePaths(2), { maxSpillBytes: 9 }))).toBe("E_BAD_OPTION");
  });

  it("reads a stream as it comes, and answers as for a list", async () => {
    const paths = framePaths(18);
    let given = 0;
    async function* stream() {
      for (const frame of paths) {
        given++;
        yield frame;
      }
    }
    await using list = await unsam.openVideo(paths);
    await using video = await unsam.openVideo(stream());
    expect(video.length).toBeNull();
    for (const one of [list, video]) await one.object().prompt(0, { points: [CLICK] });
    const expected = await collect(list);
    const frames: number[] = [];
    for await (const { frame, objects } of video.track()) {
      frames.push(given);
      const [answer] = objects.values();
      expect(answer.logits.data).toEqual(expected[frame].logits.get(1));
    }
    // No more frames are taken than are needed.
    expect(frames).toEqual(paths.map((_, i) => i + 1));
    expect(await codeOf(video.objects[0].prompt(40, { points: [CLICK] }))).toBe("E_BAD_PROMPT");
  });

  it("reads an animation frame by frame, as a list of the same pictures", async () => {
    const [width, height] = [96, 64];
    const pictures = [5, 30, 60].map((left) => {
      const data = Buffer.alloc(3 * width * height, 40);
      for (let y = 20; y < 40; y++) data.fill(200, 3 * (y * width + left), 3 * (y * width + left + 20));
      return data;
    });
    const folder = await mkdtemp(path.join(tmpdir(), "unsam-video-gif-"));
    const file = path.join(folder, "clip.gif");
    const raw = { width, height: 3 * height, channels: 3, pageHeight: height } as const;
    await sharp(Buffer.concat(pictures), { raw })
      .gif({ delay: [50, 50, 50] })
      .toFile(file);
    await using list = await unsam.openVideo(pictures.map((data) => ({ data, width, height, channels: 3 })));
    await using video = await unsam.openVideo(file);
    expect([video.width, video.height, video.length]).toEqual([width, height, 3]);
    for (const one of [list, video]) await one.object().prompt(0, { points: [[15, 30]] });
    expect(await collect(video)).toEqual(await collect(list));
    await rm(folder, { recursive: true });
  });

  it("knows of prompts that are made while it runs", async () => {
    await using video = await unsam.openVideo(framePaths(5));
    const first = video.object();
    await first.prompt(0, { points: [CLICK] });
    const sizes: number[] = [];
    for await (const { frame, objects } of video.track()) {
      sizes.push(objects.size);
      if (frame === 2) await video.object().prompt(3, { points: [[35, 16]] });
    }
    expect(sizes).toEqual([1, 1, 1, 2, 2]);
  });

  it("can be given up at any moment and goes on", async () => {
    await using video = await unsam.openVideo(framePaths(6));
    await video.object().prompt(0, { points: [CLICK] });
    const expected = await collect(video);
    const random = pseudoRandom(16);
    for (let round = 0; round < 100; round++) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error("enough")), 40 * random());
      expect(["enough", "done"]).toContain(await codeOf(collect(video, { signal: abort.signal })));
    }
    expect(await collect(video)).toEqual(expected);
    for (let round = 0; round < 20; round++) {
      const other = await unsam.openVideo(framePaths(3));
      const running = codeOf(
        other
          .object()
          .prompt(0, { points: [CLICK] })
          .then(() => collect(other)),
      );
      await new Promise((resolve) => setTimeout(resolve, 60 * random()));
      await other.dispose();
      expect(["E_DISPOSED", "done"]).toContain(await running);
    }
    expect(await collect(video)).toEqual(expected);
  });

  it("rejects what waits once it is disposed, also where a stream never goes on", async () => {
    async function* endless() {
      yield framePaths(1)[0];
      await new Promise(() => {});
    }
    const video = await unsam.openVideo(endless());
    await video.object().prompt(0, { points: [CLICK] });
    const waiting = codeOf(collect(video));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await video.dispose();
    await video.dispose();
    expect(await waiting).toBe("E_DISPOSED");
    expect(() => video.object()).toThrow(expect.objectContaining({ code: "E_DISPOSED" }));
  });

  it("keeps the event loop free", async () => {
    await using video = await unsam.openVideo(framePaths(8));
    await video.object().prompt(0, { points: [CLICK] });
    let longest = 0;
    let last = performance.now();
    const watch = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    await collect(video);
    clearInterval(watch);
    // Generous: a frame's pixels and masks cross threads in a millisecond; nothing computes here.
    expect(longest).toBeLessThan(500);
  });

  describe("says what is wrong", () => {
    it.each([
      [[], "E_BAD_IMAGE"],
      ["no-such-folder", "E_IO"],
      [42 as never, "E_BAD_IMAGE"],
      [new URL("https://example.com/clip.mp4"), "E_BAD_IMAGE"],
      [[Buffer.from("no image")], "E_BAD_IMAGE"],
    ])("for the video %s", async (frames, code) => {
      expect(await codeOf(unsam.openVideo(frames))).toBe(code);
    });

    it.runIf(process.platform === "linux")("for what is no file and no folder", async () => {
      await expect(unsam.openVideo("/dev/zero")).rejects.toThrow(/“\/dev\/zero” is not a regular file/);
      await expect(unsam.openVideo("no-such-folder")).rejects.toThrow(/no file “no-such-folder”/);
    });

    it("for a file, an empty stream, an option that does not exist", async () => {
      expect(await codeOf(unsam.openVideo(fixture("config.json")))).toBe("E_UNSUPPORTED");
      expect(await codeOf(unsam.openVideo((async function* () {})()))).toBe("E_BAD_IMAGE");
      expect(await codeOf(unsam.openVideo(framePaths(1), { histroy: 3 } as never))).toBe("E_BAD_OPTION");
      for (const wrong of [{ history: 3 }, { maxConditioningFrames: 1 }, { memoryStride: 0 }]) {
        expect(await codeOf(unsam.openVideo(framePaths(1), wrong))).toBe("E_BAD_OPTION");
      }
      const aborted = AbortSignal.abort(new Error("enough"));
      expect(await codeOf(unsam.openVideo(framePaths(1), { signal: aborted }))).toBe("enough");
    });

    it("for frames and prompts that are not there", async () => {
      const other = { data: new Uint8Array(3 * 8 * 8), width: 8, height: 8, channels: 3 } as const;
      await using video = await unsam.openVideo([...framePaths(2), other]);
      const object = video.object();
      expect(await codeOf(collect(video))).toBe("E_BAD_PROMPT");
      expect(await codeOf(object.prompt(3, { points: [CLICK] }))).toBe("E_BAD_PROMPT");
      expect(await codeOf(object.prompt(-1, { points: [CLICK] }))).toBe("E_BAD_PROMPT");
      expect(await codeOf(object.prompt(0, {}))).toBe("E_BAD_PROMPT");
      expect(await codeOf(object.prompt(0, { points: [[999, 1]] }))).toBe("E_BAD_PROMPT");
      expect(await codeOf(object.prompt(0, { points: [CLICK], granularity: 0.5 }))).toBe("E_BAD_PROMPT");
      expect(await codeOf(object.prompt(0, null as never))).toBe("E_BAD_PROMPT");
      expect(await codeOf(object.prompt(2, { points: [CLICK] }))).toBe("E_BAD_IMAGE");
      await object.prompt(0, { points: [[1, 1]] });
      // Tracking reaches the frame of another size, says so, and what was tracked before stays.
      expect(await codeOf(collect(video))).toBe("E_BAD_IMAGE");
      expect(await collect(video, { to: 1 })).toHaveLength(2);
      expect(await codeOf(collect(video, { from: 3 }))).toBe("E_BAD_OPTION");
      expect(() => video.object({ granularity: 0.5 })).toThrow(/without granularity/);
    });

    it("for a checkpoint without memory", async () => {
      const folder = inRepository("packages", "core", "fixtures", "unsamv2-mini");
      const [checkpoint, config] = ["checkpoint.safetensors", "config.json"].map((name) =>
        path.join(folder, name),
      );
      await using images = await UnSAM.load({ model: { checkpoint, config }, threads: 1 });
      expect(await codeOf(images.openVideo(framePaths(1)))).toBe("E_UNSUPPORTED");
      // Nothing of it is left: images go on.
      await using image = await images.encode(framePaths(1)[0]);
      expect((await image.segment({ points: [CLICK] })).mask.width).toBe(256);
    });

    it("for a checkpoint that has changed since the model was loaded", async () => {
      const folder = await mkdtemp(path.join(tmpdir(), "unsam-video-changed-"));
      const checkpoint = path.join(folder, "model.safetensors");
      await copyFile(fixture("checkpoint.safetensors"), checkpoint);
      await chmod(checkpoint, 0o600);
      const config = await readJson<object>("config.json");
      await using changed = await UnSAM.load({ model: { checkpoint, config }, threads: 1 });
      const bytes = await readFile(checkpoint);
      bytes[bytes.length - 1] ^= 1;
      await writeFile(checkpoint, bytes);
      expect(await codeOf(changed.openVideo(framePaths(1)))).toBe("E_BAD_CHECKPOINT");
      await rm(folder, { recursive: true });
    });
  });
});
