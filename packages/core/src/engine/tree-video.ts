import { UnSAMError } from "../errors.js";
import { frameBuffers } from "../region-tracking/index.js";
import { TREE_LOGIT_SIDE } from "../region-tree/index.js";
import { type CallLimit, computeThreads, type Handle } from "../runtime/index.js";
import type { EngineVideo, FrameSource, VideoCall, VideoOptions } from "./engine-video.js";
import { checkTreeMask } from "./mask-prompt.js";
import { SessionVideo } from "./session-video.js";
import type { TreeGrowth } from "./tree-growth.js";
import type { TreeVideoSession } from "./tree-video.worker.js";

const compute = computeThreads().bind<typeof import("./tree-video.worker.js")>(
  new URL("./tree-video.worker.js", import.meta.url),
  "bulk",
);

/** Options that say how a memory of features is read and kept. Here there is none: a frame is answered from the one beside it. */
const OF_MEMORIES = {
  keepCorrections: true,
  maxConditioningFrames: Number.POSITIVE_INFINITY,
  memoryStride: 1,
  memoryPrecision: "bfloat16",
  memory: "auto",
  spill: null,
} as const satisfies Partial<VideoOptions>;

/** Opens a video that is followed by region trees and motion. Throws `E_UNSUPPORTED` for options of a memory. */
export async function openTreeVideo(
  name: string,
  growth: TreeGrowth,
  limit: CallLimit,
  source: FrameSource,
  options: VideoOptions,
  { signal }: VideoCall,
): Promise<{ video: EngineVideo; handle: Handle<TreeVideoSession> }> {
  for (const key of Object.keys(OF_MEMORIES) as (keyof typeof OF_MEMORIES)[]) {
    if (options[key] === OF_MEMORIES[key]) continue;
    const said = key === "spill" ? "spillFolder was given" : `${key} is ${options[key]}`;
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `openVideo: ${said}, but ${name} follows objects without a memory of features; leave it out.`,
    );
  }
  const { width, height } = source;
  const { history, maxHoleArea, maxFeatureBytes, nonOverlapping } = options;
  const handle = await compute(
    "openTreeVideo",
    [
      { width, height },
      { history, maxHoleArea, maxFeatureBytes },
    ],
    { signal },
  );
  const video = new SessionVideo<TreeVideoSession>({
    calls: compute,
    session: handle,
    source,
    nonOverlapping,
    memory: "none",
    reasons: { memory: "Built-in models follow objects without a memory of features." },
    logitSide: TREE_LOGIT_SIDE,
    checkMask: (mask) => checkTreeMask(mask, TREE_LOGIT_SIDE, source),
    look: async (image, signal) => {
      const cues = await growth.cues(image, signal);
      const frame = await compute("grow", [image, growth.kernels, cues], { limit, signal });
      return (at, stop) =>
        compute("look", [handle, at, frame], { transfer: frameBuffers(frame), signal: stop });
    },
    finish: async (sent, signal) => {
      const masks = sent.map(({ words, objectScore }) => ({ words: words!, objectScore }));
      if (nonOverlapping && masks.length > 1) return compute("withoutOverlap", [masks], { signal });
      return masks.map(({ words }) => words);
    },
  });
  return { video, handle };
}
