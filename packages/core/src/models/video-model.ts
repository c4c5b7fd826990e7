import type { Graph } from "../graph/index.js";
import type { Tensor } from "../tensor.js";

/** What a network that follows objects through a video has beside its image part (Ravi et al. 2024, section 4). */
export interface VideoModel {
  readonly rules: VideoRules;
  /** Features of a frame in the light of memories; see `sam2/memory/attention.ts`. */
  readonly memoryAttention: Graph;
  /** A frame and its mask to a memory; see `sam2/memory/encoder.ts`. */
  readonly memoryEncoder: Graph;
  /** Memory attention and memory encoder for kernels of our own; null: there are none for this family. */
  readonly memorySource: MemorySource | null;
  /** The mask decoder that also gives the tokens its masks were read from (`mask_tokens`). */
  readonly maskDecoder: Graph;
  tensors(): Promise<VideoTensors>;
}

/** Sizes and tensors of memory attention and memory encoder, beside their graphs. */
export interface MemorySource {
  readonly plan: MemoryPlan;
  /** Official names of all tensors that they need. */
  names(): readonly string[];
  /** One of them, LoRA folded in. */
  read(name: string): Promise<Tensor>;
}

/** Everything about a memory that its tensors do not say. */
export interface MemoryPlan {
  readonly imageSize: number;
  readonly width: number;
  readonly memoryWidth: number;
  readonly attentionLayers: number;
  readonly feedForward: number;
  readonly ropeTheta: number;
  readonly fuserLayers: number;
  readonly fuserHidden: number;
  readonly absentEmbedding: boolean;
}

/** Plain data that decides how memories are made and read. s = imageSize / 16. */
export interface VideoRules {
  readonly imageSize: number;
  /** Channels of the features and of an object pointer. */
  readonly width: number;
  /** Channels of a memory. */
  readonly memoryWidth: number;
  /** Memory frames that one frame reads at most beside conditioning frames, and one more (official `num_maskmem`). */
  readonly memoryFrames: number;
  readonly maxObjectPointers: number;
  /** What the memory encoder is given: scale · mask + bias. */
  readonly maskScale: number;
  readonly maskBias: number;
  readonly multimask: {
    /** Prompts with this many points, a box counting two, may have several masks. */
    readonly minPoints: number;
    readonly maxPoints: number;
    readonly onPrompts: boolean;
    readonly onTracking: boolean;
    /** The object pointer comes from the token of the mask that was chosen, not from token 0. */
    readonly pointerFromMask: boolean;
  };
  /** The features of the image encoder already hold `no_mem_embed`. */
  readonly noMemoryInFeatures: boolean;
}

export interface LinearTensors {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** Tensors that are read outside of graphs. */
export interface VideoTensors {
  /** [d]: in place of a memory, where there is none. */
  readonly noMemory: Float32Array;
  /** [memoryFrames, memoryWidth] */
  readonly memoryTimes: Float32Array;
  /** [d]: the pointer of an object that is not there. */
  readonly noPointer: Float32Array;
  /** Linear layers from the output token of a mask to an object pointer, ReLU between them: weights [out, in]. */
  readonly pointer: readonly LinearTensors[];
  /** Linear layer from the encoded time of a pointer to [memoryWidth]; null: pointers have no time (SAM 2.0). */
  readonly pointerTime: LinearTensors | null;
  /** The learned 4 × 4 convolution of a mask prompt, one channel. */
  readonly maskDownsample: { readonly weight: Float32Array; readonly bias: number };
}
