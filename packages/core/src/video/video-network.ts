import type { NetworkPrompt } from "../decoder/mask-decoder.js";
import type { DecoderOutput } from "../decoder/select-masks.js";
import type { StabilityFallback, VideoRules, VideoTensors } from "../models/index.js";

/** What a tracker keeps of a frame while it works on it. */
export interface FrameFeatures {
  /** [d, s, s] at stride 16, without `no_mem_embed`. */
  readonly plain: Float32Array;
  /** What the decoder's upscaling adds; the network's own. */
  readonly skips: unknown;
  /** Memory it takes. */
  readonly bytes: number;
}

/** Memories as a frame reads them. n = s², m = memory width. */
export interface MemoryFeed {
  /** [frames, n, m] */
  readonly memory: Float32Array;
  /** [frames, m] */
  readonly times: Float32Array;
  /** [tokens, m] */
  readonly pointers: Float32Array;
  /** [tokens, m] */
  readonly pointerTimes: Float32Array;
}

/** What the decoder says about one prompt on one frame. */
export interface FrameOutput extends DecoderOutput {
  /** Output tokens of the masks, [m, d]. */
  readonly tokens: Float32Array;
}

/** The networks of a tracker, whatever they compute on. */
export interface VideoNetwork {
  readonly rules: VideoRules;
  readonly tensors: VideoTensors;
  /** The mask is always that of the granularity token. */
  readonly granularity: boolean;
  readonly stability: StabilityFallback;
  /** → features [d, s, s] after memory attention. */
  attend(frame: FrameFeatures, memory: MemoryFeed): Promise<Float32Array>;
  /** `mask` [S, S], scaled and shifted → memory [n, m], not rounded. */
  remember(frame: FrameFeatures, mask: Float32Array, absent: boolean): Promise<Float32Array>;
  /** `embedding` [d, s, s]: what the decoder sees instead of the frame's own features. */
  decode(frame: FrameFeatures, embedding: Float32Array, prompt: NetworkPrompt): Promise<FrameOutput>;
  /** Output token [d] → object pointer [d]. */
  pointer(token: Float32Array): Float32Array;
}
