import type { VideoOptions as EngineVideoOptions } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { parseOptions } from "@unsam/core/options";
import { z } from "zod";
import type { RenderStyle } from "./render-tracks.js";
import { type OnProgress, TRACK_FORMATS, type TrackFormat } from "./save-tracks.js";

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
  /**
   * What computes memory attention and memory encoder (default `"auto"`: our own kernels in the addon where it is there, else ONNX
   * Runtime).
   */
  readonly memory?: "auto" | "onnx" | "native" | undefined;
  /** Memory for features of frames, so that a second look at a frame is cheap (default 256 MiB). */
  readonly maxFeatureBytes?: number | undefined;
  /**
   * A folder for features of frames that memory has no room for (default: none, such a frame is encoded again). A second look at any frame
   * then costs a read, also at a frame of a stream, of which there is no other. At 1024 × 1024 a frame takes 16 MiB. The file
   * has no name, and goes with the video or the process. Networks only.
   */
  readonly spillFolder?: string | undefined;
  /** Of that file (default 16 GiB); the frame written first makes room for the newest. */
  readonly maxSpillBytes?: number | undefined;
  /**
   * Memory for compressed masks of the frames that were tracked, for `save` and `render` (default 256 MiB; 0 keeps none). A mask takes
   * about 1 KB. Where it is too little they are let go, and `save` and `render` say so.
   */
  readonly maxResultBytes?: number | undefined;
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

export interface SaveOptions {
  /** Default: by the name, `"tracks"` for .json and `"mots"` for .txt. */
  readonly format?: TrackFormat | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RenderOptions {
  /** Masks on the frames (default), or the objects alone, the rest transparent. */
  readonly style?: RenderStyle | undefined;
  /** How much of the colour covers the mask, 0–1 (default 0.45); of an overlay only. */
  readonly opacity?: number | undefined;
  /** Frames a second where the frames have no times of their own (default 25). */
  readonly fps?: number | undefined;
  /** First and last frame; default: the first and the last that were tracked. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MOST_SPILLED = 2 ** 34;
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
  memory: z.enum(["auto", "onnx", "native"]).default("auto"),
  maxFeatureBytes: number(0).default(256 * 2 ** 20),
  spillFolder: z.string().min(1, "it is empty; name a folder").optional(),
  maxSpillBytes: number(1).optional(),
  maxResultBytes: number(0).default(256 * 2 ** 20),
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

const onProgress = z
  .custom<OnProgress>((value) => typeof value === "function", "must be a function")
  .optional();
const saveSchema = z.strictObject({
  format: z.enum(TRACK_FORMATS as [TrackFormat, ...TrackFormat[]]).optional(),
  onProgress,
  signal: z.instanceof(AbortSignal).optional(),
});
const renderSchema = z.strictObject({
  style: z.enum(["overlay", "cutout"]).default("overlay"),
  opacity: z.number().min(0).max(1).optional(),
  fps: z.number().min(0.01).max(1000).default(25),
  from: frame.optional(),
  to: frame.optional(),
  onProgress,
  signal: z.instanceof(AbortSignal).optional(),
});

export function parseSaveOptions(options: SaveOptions): z.output<typeof saveSchema> {
  return parseOptions(saveSchema, options, "video.save");
}

export function parseRenderOptions(options: RenderOptions): z.output<typeof renderSchema> {
  const parsed = parseOptions(renderSchema, options, "video.render");
  if (parsed.style === "cutout" && parsed.opacity !== undefined) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      "video.render: opacity is of an overlay; leave it out for a cutout.",
    );
  }
  return parsed;
}

/** Throws `E_BAD_OPTION`. */
export function parseVideoOptions(options: VideoOptions): {
  readonly engine: EngineVideoOptions;
  readonly maxPixels: number | undefined;
  readonly maxResultBytes: number;
  readonly signal: AbortSignal | undefined;
} {
  const parsed = parseOptions(videoSchema, options, "openVideo");
  const { maxPixels, maxResultBytes, spillFolder, maxSpillBytes, signal, ...engine } = parsed;
  if (spillFolder === undefined && maxSpillBytes !== undefined) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      "openVideo: maxSpillBytes is of the file in spillFolder; give a folder, or leave it out.",
    );
  }
  const spill =
    spillFolder === undefined ? null : { folder: spillFolder, maxBytes: maxSpillBytes ?? MOST_SPILLED };
  return { engine: { ...engine, spill }, maxPixels, maxResultBytes, signal };
}

export function parseTrackOptions(options: TrackOptions): z.output<typeof trackSchema> {
  return parseOptions(trackSchema, options, "video.track");
}
