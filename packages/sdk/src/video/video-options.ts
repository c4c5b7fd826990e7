import type { VideoOptions as EngineVideoOptions } from "@unsam/core/engine";
import { parseOptions } from "@unsam/core/options";
import { z } from "zod";

export interface VideoOptions {
  /**
   * What is corrected stays corrected (default true): a corrected frame counts as much as the first one that was prompted.
   * The official predictor (false) forgets a correction when it is propagated over again.
   */
  readonly keepCorrections?: boolean | undefined;
  /** No two objects share a pixel: it belongs to the one that the model is surest of (default false). */
  readonly nonOverlapping?: boolean | undefined;
  /** Holes of up to this many low-resolution pixels are filled (official `fill_hole_area`; default 0). */
  readonly maxHoleArea?: number | undefined;
  /**
   * How far back and ahead, in frames, results of tracking are remembered (default 64, at least 16; Infinity keeps all).
   * Memory for each object grows with it, about 0.75 MiB a frame. Prompted frames are always remembered.
   */
  readonly history?: number | undefined;
  /**
   * Prompted frames that one frame reads at most, the nearest ones (official `max_cond_frames_in_attn`; at least 2, default
   * Infinity). Each costs as much as a recent frame, so that many corrections make tracking slow.
   */
  readonly maxConditioningFrames?: number | undefined;
  /** Distance in frames of the recent frames that are read (official `memory_temporal_stride_for_eval`; default 1). */
  readonly memoryStride?: number | undefined;
  /** How memories are stored: rounded as by the official predictor ("bfloat16", the default), or "float32". */
  readonly memoryPrecision?: "bfloat16" | "float32" | undefined;
  /** Memory for features of frames, so that a second look at a frame is cheap (default 256 MiB). */
  readonly maxFeatureBytes?: number | undefined;
  /** Larger frames are refused before they are decoded (default 100 million). */
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TrackOptions {
  /** First frame; default: the earliest that was prompted. */
  readonly from?: number | undefined;
  /** Last frame; default: the end of the video in this direction. */
  readonly to?: number | undefined;
  /** Default "forward". */
  readonly direction?: "forward" | "backward" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Object pointers are read from the 15 frames before. */
const LEAST_HISTORY = 16;

const number = (least: number) =>
  z.custom<number>(
    (value) => typeof value === "number" && value >= least && (Number.isInteger(value) || value === Infinity),
    `must be a whole number from ${least}, or Infinity`,
  );

const videoSchema = z.strictObject({
  keepCorrections: z.boolean().default(true),
  nonOverlapping: z.boolean().default(false),
  maxHoleArea: z.number().min(0).default(0),
  history: number(LEAST_HISTORY).default(64),
  maxConditioningFrames: number(2).default(Number.POSITIVE_INFINITY),
  memoryStride: z.number().int().min(1).max(1000).default(1),
  memoryPrecision: z.enum(["bfloat16", "float32"]).default("bfloat16"),
  maxFeatureBytes: number(0).default(256 * 2 ** 20),
  maxPixels: number(1).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

const frame = z.number().int().min(0);
const trackSchema = z.strictObject({
  from: frame.optional(),
  to: frame.optional(),
  direction: z.enum(["forward", "backward"]).default("forward"),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Throws `E_BAD_OPTION`. */
export function parseVideoOptions(options: VideoOptions): {
  readonly engine: EngineVideoOptions;
  readonly maxPixels: number | undefined;
  readonly signal: AbortSignal | undefined;
} {
  const { maxPixels, signal, ...engine } = parseOptions(videoSchema, options, "openVideo");
  return { engine, maxPixels, signal };
}

export function parseTrackOptions(options: TrackOptions): z.output<typeof trackSchema> {
  return parseOptions(trackSchema, options, "video.track");
}
