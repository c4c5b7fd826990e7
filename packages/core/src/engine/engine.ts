import type { RgbImage } from "../image/index.js";
import type { Mask } from "../mask/index.js";
import type { ModelCapabilities } from "../models/index.js";
import type { Prompt } from "../prompt.js";
import type { Tensor } from "../tensor.js";
import type { ProposalSource } from "../whole-image/index.js";
import type { EngineVideo, FrameSource, VideoCall, VideoOptions } from "./engine-video.js";

export interface EngineInfo {
  /** Built-in name ("region-tree") or the checkpoint's path. */
  readonly name: string;
  /** Name of the model's family. */
  readonly family: string;
  /** One plain sentence for people. */
  readonly description: string;
  readonly capabilities: ModelCapabilities;
  /** Binds saved images to the model they came from: SHA-256, lower-case hex. */
  readonly fingerprint: string;
  /** Where the encoder runs. */
  readonly device: "cpu" | "cuda";
  /** What encodes images, where there is a choice. */
  readonly encoder: "onnx" | "native" | "none";
  /** Which decoder answers, where there is a choice. */
  readonly decoder: "onnx" | "native" | "none";
  /** Where computing outside of ONNX Runtime is done: in the addon, or in TypeScript. The answers are the same. */
  readonly kernels: "native" | "typescript";
  /** Operands of the products of encoder and decoder; sums are float32. */
  readonly precision: "float32" | "bfloat16";
  /** Why these and not others, a sentence each: for people. */
  readonly reasons: {
    readonly device: string;
    readonly encoder: string;
    readonly decoder: string;
    readonly kernels: string;
    readonly precision: string;
  };
}

/** What an engine answers to one prompt. */
export interface EngineSegment {
  /** At the size of the original image. */
  readonly mask: Mask;
  /** Predicted IoU, or what stands for it. */
  readonly score: number;
  /** Raw object-score logit. */
  readonly objectScore: number;
  /** Stability score: IoU of the masks at logit thresholds −1 and +1. */
  readonly stability: number;
  /** The granularity the mask answers to; null where none was given to the model. */
  readonly granularity: number | null;
  /** Unclamped low-resolution logits, [h, w]. */
  readonly logits: Tensor;
}

export interface SegmentOptions {
  readonly multimask: boolean;
  /** Holes up to this many low-resolution pixels are filled, islands removed (official names and units). */
  readonly maxHoleArea: number;
  readonly maxSprinkleArea: number;
  readonly signal?: AbortSignal;
}

/** Named arrays that fully describe an encoded image; written to disk by the SDK. */
export interface ImageState {
  readonly tensors: ReadonlyMap<string, StateTensor>;
}

export interface StateTensor {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
  /** float arrays may be stored in half precision. */
  readonly half: boolean;
}

/** An image that an engine has encoded. Immutable; any number of concurrent calls may use it. */
export interface EngineImage extends ProposalSource {
  /** Memory it holds until it is disposed, about: its large arrays, not what the allocators add. */
  readonly bytes: number;
  /** One answer per prompt, in their order. */
  segment(prompts: readonly Prompt[], options: SegmentOptions): Promise<EngineAnswer[]>;
  save(): Promise<ImageState>;
  dispose(): Promise<void>;
}

export interface EngineAnswer {
  readonly best: EngineSegment;
  /** All masks of the model in its own order, where it offers more than one. */
  readonly candidates: readonly EngineSegment[];
  /** Where the engine chose the granularity: the other scales, the best first, no two the same (docs/granularity.md). */
  readonly alternatives: readonly EngineSegment[];
}

/** A loaded model: it turns images into something that answers prompts. */
export interface Engine {
  readonly info: EngineInfo;
  /** Photos it can encode side by side; more would only wait in it. */
  readonly encodesAtOnce: number;
  encode(image: RgbImage, options: { signal?: AbortSignal }): Promise<EngineImage>;
  restore(state: ImageState, size: { width: number; height: number }): Promise<EngineImage>;
  /** Opens a video to follow objects through; left out: the model knows images only. Throws `E_UNSUPPORTED`. */
  readonly openVideo?:
    | ((source: FrameSource, options: VideoOptions, call: VideoCall) => Promise<EngineVideo>)
    | undefined;
  dispose(): Promise<void>;
}
