import { describeWithShared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { type ModelConfig, sam2Model, WeightView } from "#core/models/index.js";
import { FrameCache } from "#core/video/frame-cache.js";
import { type FrameFeatures, OFFICIAL_TRACKER, VideoTracker } from "#core/video/index.js";
import { VideoSet } from "../support/video-set.js";
import { noiseFrame } from "./noise-frame.js";
import { onnxVideoNetwork } from "./video-networks.js";

const CLICK = { points: [[32, 17]], labels: [1], box: null, extend: false, granularity: null } as const;

describe("features of frames", () => {
  const features = (bytes: number): FrameFeatures => ({ plain: new Float32Array(0), skips: null, bytes });

  it("are kept within so many bytes, those that were used last", () => {
    const cache = new FrameCache(30);
    for (const frame of [0, 1, 2]) cache.add(frame, features(10));
    expect(cache.get(0)).not.toBeNull();
    cache.add(3, features(10));
    expect([0, 1, 2, 3].filter((frame) => cache.get(frame))).toEqual([0, 2, 3]);
    cache.add(2, features(20));
    expect([0, 2, 3].filter((frame) => cache.get(frame))).toEqual([2, 3]);
    expect(cache.bytes).toBe(30);
    cache.add(9, features(1000));
    expect([2, 3, 9].filter((frame) => cache.get(frame))).toEqual([9]);
    expect(cache.bytes).toBe(1000);
  });

  it("are kept for so many frames", () => {
    const cache = new FrameCache(1000, 3);
    for (const frame of [0, 1, 2, 3, 4]) cache.add(frame, features(1));
    expect([0, 1, 2, 3, 4].filter((frame) => cache.get(frame))).toEqual([2, 3, 4]);
    expect(cache.bytes).toBe(3);
  });
});

describeWithShared("a tracker", () => {
  const set = new VideoSet();
  const size = { width: 256, height: 144, length: null };

  it("remembers no more than its history, in both directions, and every prompted frame", async () => {
    const { model, close } = await set.open("sam2.1");
    const network = await onnxVideoNetwork(model);
    const features = await noiseFrame(network);
    const tracker = new VideoTracker(network, size, { ...OFFICIAL_TRACKER, history: 4 });
    await tracker.addPoints(1, 30, features, CLICK);
    tracker.settle();
    const object = tracker.objects.get(1)!;
    for (let frame = 31; frame < 40; frame++) {
      await tracker.track(1, frame, features, { reverse: false, granularity: null });
    }
    expect([...object.others.keys()]).toEqual([35, 36, 37, 38, 39]);
    for (let frame = 29; frame > 23; frame--) {
      await tracker.track(1, frame, features, { reverse: true, granularity: null });
    }
    expect([...object.others.keys()]).toEqual([28, 27, 26, 25, 24]);
    expect([...object.conditioning.keys()]).toEqual([30]);
    await network.release();
    await close();
  });

  it("follows with a SAM 2.0, which encodes no time of pointers and no absence", async () => {
    const { model, close } = await set.open("sam2.1");
    const newer = ["obj_ptr_tpos_proj.weight", "obj_ptr_tpos_proj.bias", "no_obj_embed_spatial"];
    const tensors = new Map([...model.weights.tensors].filter(([name]) => !newer.includes(name)));
    const weights = new WeightView({ tensors, read: (name) => model.weights.read(name) });
    const old = sam2Model("sam2", model.config as ModelConfig, weights, null);
    const network = await onnxVideoNetwork(old);
    expect(network.tensors.pointerTime).toBeNull();
    const features = await noiseFrame(network);
    const mask = new Float32Array(256 * 256).fill(-10);
    // Absence adds nothing.
    expect(await network.remember(features, mask, true)).toEqual(
      await network.remember(features, mask, false),
    );
    const tracker = new VideoTracker(network, size, OFFICIAL_TRACKER);
    await tracker.addPoints(1, 0, features, CLICK);
    tracker.settle();
    const { logits } = await tracker.track(1, 1, features, { reverse: false, granularity: null });
    expect(logits.every(Number.isFinite)).toBe(true);
    await network.release();
    await close();
  });
});
