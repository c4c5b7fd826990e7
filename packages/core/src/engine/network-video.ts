import { computeThreads, type Handle, inferenceThread } from "../runtime/index.js";
import type { MemoryKind } from "../video/index.js";
import type { EngineVideo, FrameSource, VideoCall, VideoOptions } from "./engine-video.js";
import type { MaskFinisher } from "./mask-finisher.js";
import type { Network } from "./network.worker.js";
import { SessionVideo } from "./session-video.js";
import type { VideoSession } from "./video.worker.js";

const inference = inferenceThread().bind<typeof import("./video.worker.js")>(
  new URL("./video.worker.js", import.meta.url),
  "bulk",
);
const compute = computeThreads().bind<typeof import("./non-overlap.worker.js")>(
  new URL("./non-overlap.worker.js", import.meta.url),
  "bulk",
);

interface VideoParts {
  readonly finisher: MaskFinisher;
  /** Of the network's input. */
  readonly side: number;
  /** Where memory attention and memory encoder are computed, and why. */
  readonly memory: { readonly memory: MemoryKind; readonly reason: string };
}

/** Opens a video for an opened network. */
export async function openNetworkVideo(
  network: Handle<Network>,
  source: FrameSource,
  options: VideoOptions,
  { finisher, side, memory: { memory, reason } }: VideoParts,
  { signal }: VideoCall,
): Promise<{ video: EngineVideo; handle: Handle<VideoSession> }> {
  const { width, height, length } = source;
  const size = { width, height };
  const { nonOverlapping } = options;
  const logitSide = side / 4;
  const handle = await inference("openVideo", [network, { ...size, length }, { ...options, memory }], {
    signal,
  });
  const video = new SessionVideo<VideoSession>({
    calls: inference,
    session: handle,
    source,
    nonOverlapping,
    memory,
    reasons: { memory: reason },
    logitSide,
    // One thread encodes and tracks, and each takes all cores: beside the tracking a frame is only decoded.
    look: async (image) => (frame, signal) => inference("look", [handle, frame, image], { signal }),
    finish: async (sent, signal) => {
      const maps = sent.map(({ logits }) => logits);
      if (nonOverlapping) return compute("nonOverlapping", [maps, logitSide, size], { signal });
      const limits = { maxHoleArea: 0, maxSprinkleArea: 0 };
      const finished = await finisher.finish(maps, logitSide, size, { ...limits, signal });
      return finished.map(({ words }) => words);
    },
  });
  return { video, handle };
}
