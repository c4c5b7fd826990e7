import type { Engine, VideoOptions } from "@unsam/core/engine";
import { Mask } from "@unsam/core/mask";
import { coverageOf, flowOnly, lookOf } from "@unsam/core/region-tracking";
import { maskIou } from "../metrics/iou.js";
import type { MadeClip } from "./made-clip.js";

/** Mean J over the frames after the first, whose mask is given. */
export interface ClipScores {
  /** The first mask stays where it is. */
  readonly keep: number;
  /** The mask of each frame, moved to the next one by the motion of what it covers: that of the tracker, without the tree. */
  readonly flow: number;
  readonly tracker: number;
}

const OPTIONS: VideoOptions = {
  keepCorrections: true,
  nonOverlapping: false,
  maxHoleArea: 0,
  history: 64,
  maxConditioningFrames: Number.POSITIVE_INFINITY,
  memoryStride: 1,
  memoryPrecision: "bfloat16",
  memory: "auto",
  maxFeatureBytes: 2 ** 24,
  spill: null,
};

/** An engine and both baselines on one clip. */
export async function scoreClip(engine: Engine, clip: MadeClip, signal?: AbortSignal): Promise<ClipScores> {
  if (!engine.openVideo) throw new Error(`${engine.info.name} follows no objects through videos.`);
  const { width, height, frames } = clip.plan;
  const first = clip.frame(0);
  const source = { width, height, length: frames, read: async (at: number) => clip.frame(at).image };
  const video = await engine.openVideo(source, OPTIONS, { signal });
  const sums = { keep: 0, flow: 0, tracker: 0 };
  try {
    const prompt = { points: [], box: null, mask: first.truth, extend: false, granularity: 1 };
    await video.prompt(1, 0, prompt, { signal });
    await video.start({ signal });
    let look = lookOf(first.image);
    let carried = coverageOf(first.truth, look.levels[0]);
    for (let at = 1; at < frames; at++) {
      const { image, truth } = clip.frame(at);
      const next = lookOf(image);
      carried = flowOnly(look, carried, next);
      look = next;
      const answers = await video.track(at, { reverse: false, granularity: new Map([[1, 1]]) }, { signal });
      sums.keep += maskIou(first.truth, truth, null);
      sums.flow += maskIou(maskOf(carried.data, width, height), truth, null);
      sums.tracker += maskIou(answers!.get(1)!.mask, truth, null);
    }
  } finally {
    await video.dispose();
  }
  const count = Math.max(1, frames - 1);
  return { keep: sums.keep / count, flow: sums.flow / count, tracker: sums.tracker / count };
}

/** Clips are no larger than a look, so that a pixel of the one is one of the other. */
function maskOf(coverage: Float32Array, width: number, height: number): Mask {
  return Mask.fromBytes(
    width,
    height,
    coverage.map((share) => (share >= 0.5 ? 1 : 0)),
  );
}
