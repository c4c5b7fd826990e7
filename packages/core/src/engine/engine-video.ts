import type { RgbImage } from "../image/index.js";
import type { Mask } from "../mask/index.js";
import type { Tensor } from "../tensor.js";
import type { SpillOptions } from "../video/index.js";

/** How a video is followed; names of the official predictor in brackets. */
export interface VideoOptions {
  /** A corrected frame becomes a conditioning frame (`add_all_frames_to_correct_as_cond`, which is off there). */
  readonly keepCorrections: boolean;
  /** Each pixel belongs to one object at most (`non_overlap_masks`). */
  readonly nonOverlapping: boolean;
  /** Holes up to this many low-resolution pixels are filled (`fill_hole_area`). */
  readonly maxHoleArea: number;
  /** Results of tracked frames farther than this from the last one are forgotten; may be Infinity. */
  readonly history: number;
  /** Conditioning frames that one frame reads at most (`max_cond_frames_in_attn`); may be Infinity. */
  readonly maxConditioningFrames: number;
  /** Distance of the recent frames that are read (`memory_temporal_stride_for_eval`). */
  readonly memoryStride: number;
  /** How memories are stored; the official predictor rounds them to bfloat16. */
  readonly memoryPrecision: "bfloat16" | "float32";
  /** Where memory attention and memory encoder are computed. */
  readonly memory: "auto" | "onnx" | "native";
  /** Features of frames that are kept for a second look, bytes. */
  readonly maxFeatureBytes: number;
  /** Where features are put aside that memory has no room for; null: nowhere, such a frame is encoded again. */
  readonly spill: SpillOptions | null;
}

/** The frames of a video. */
export interface FrameSource {
  readonly width: number;
  readonly height: number;
  /** null: not known before it ends. */
  readonly length: number | null;
  /** null: there is no such frame, the video ends before it. */
  read(frame: number, signal: AbortSignal | undefined): Promise<RgbImage | null>;
  /** The same frames, for a look ahead; left out or null: none may be read before it is asked for. */
  readonly ahead?: FramesAhead | null;
}

export interface FramesAhead {
  read(frame: number, signal: AbortSignal | undefined): Promise<RgbImage | null>;
  /** To be called after the work with the frame that was read. */
  leave(): void;
}

/** What a frame is prompted with, in pixels of the video. A mask is taken first; points then correct it. */
export interface VideoPrompt {
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: 1 | 0 | -1 }[];
  readonly box: readonly [number, number, number, number] | null;
  /** A mask at the size of the video, or logits [h, w] that cover the frame, foreground above 0. */
  readonly mask: Mask | Tensor | null;
  /** Points that the frame has already are kept. */
  readonly extend: boolean;
  readonly granularity: number | null;
}

/** An object on a frame. */
export interface VideoAnswer {
  /** At the size of the video. */
  readonly mask: Mask;
  /** Predicted IoU; 1 for a mask that was given. */
  readonly score: number;
  /** Raw object-score logit: at 0 or below the object is not there. */
  readonly objectScore: number;
  /** Low-resolution logits, [h, w]. */
  readonly logits: Tensor;
}

export interface VideoCall {
  readonly signal?: AbortSignal | undefined;
}

export interface VideoTracking {
  readonly reverse: boolean;
  /** Of each object. */
  readonly granularity: ReadonlyMap<number, number | null>;
  /** Probably the next frame: it is decoded, and encoded, beside the work with this one. The answers are the same. */
  readonly ahead?: number | null;
}

/** A video that objects are followed through. Calls are made one after the other. */
export interface EngineVideo {
  /** Where memory attention and memory encoder are computed, where there are any, and why: one plain sentence. */
  readonly memory: "onnx" | "native" | "none";
  readonly reasons: { readonly memory: string };
  /** Answers a prompt on a frame. Throws `E_BAD_PROMPT` where the video has no such frame. */
  prompt(object: number, frame: number, prompt: VideoPrompt, call: VideoCall): Promise<VideoAnswer>;
  /** Makes prompts part of what is remembered; the earliest frame with one. Throws `E_BAD_PROMPT` where an object has none. */
  start(call: VideoCall): Promise<number>;
  /** All objects on a frame; null: the video ends before it. */
  track(frame: number, options: VideoTracking, call: VideoCall): Promise<Map<number, VideoAnswer> | null>;
  /** No further frame will be asked for: what was begun of one ends. */
  lookNoFurther(): void;
  clearPrompts(object: number, frame: number): Promise<void>;
  remove(object: number): Promise<void>;
  reset(): Promise<void>;
  dispose(): Promise<void>;
}
