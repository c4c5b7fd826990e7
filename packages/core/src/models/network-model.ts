import type { Graph } from "../graph/index.js";
import type { Tensor } from "../tensor.js";
import type { ModelCapabilities } from "./capabilities.js";
import type { WeightView } from "./layers/weight-view.js";
import type { VideoModel } from "./video-model.js";

/** Plain SAM 2 only: when one mask is asked for and mask 0 is unstable, the best of the others answers. */
export interface StabilityFallback {
  readonly enabled: boolean;
  readonly delta: number;
  readonly threshold: number;
}

/** What a promptable network's decoder needs to know beside its tensors. */
export interface DecoderConfig {
  readonly name: string;
  /** Side S of the square network input, pixels. */
  readonly imageSize: number;
  readonly neck: {
    /** Channels of the image embedding and of the decoder's tokens. */
    readonly width: number;
  };
  /** The decoder's upscaling adds the encoder's maps of stride 4 and 8. */
  readonly highResFeatures: boolean;
  /** Base of the granularity's Fourier frequencies. */
  readonly temperature: number;
  readonly iouSigmoid: boolean;
  readonly objectScore: "none" | "linear" | "mlp";
  readonly stability: StabilityFallback;
}

/** A map that the image encoder makes and the decoder reads. */
export interface FeatureMap {
  /** Name of the encoder graph's output, and of the tensor in a saved encoding. */
  readonly name: FeatureName;
  /** [channels, height, width] */
  readonly shape: readonly [number, number, number];
}

export type FeatureName = "image_embed" | "high_res_0" | "high_res_1";

/** An image encoder in terms of Hiera's sizes and tensors, for kernels that need no graph. */
export interface EncoderSource {
  readonly plan: EncoderPlan;
  /** Official names of all tensors it reads, but for the position embedding. */
  names(): readonly string[];
  /** One of them, LoRA folded in; or `image_encoder.trunk.position_embedding` [(S / 4)², c] at the size of the map. */
  read(name: string): Promise<Tensor>;
}

/** Everything about such an encoder that its tensors do not say. */
export interface EncoderPlan {
  readonly imageSize: number;
  readonly embedDim: number;
  /** Rows, columns; the stride is 4. */
  readonly patchKernel: readonly [number, number];
  readonly patchPadding: readonly [number, number];
  readonly normEps: number;
  readonly blocks: readonly {
    readonly width: number;
    readonly heads: number;
    readonly hidden: number;
    /** Window side in tokens of the incoming map; 0 attends over the whole map. */
    readonly window: number;
    readonly pools: boolean;
  }[];
  readonly neck: {
    readonly width: number;
    readonly topDownLevels: readonly number[];
    readonly average: boolean;
    readonly addNoMemory: boolean;
  };
}

/**
 * A promptable network made from a checkpoint: graphs, and what the code around them must know. The image encoder maps
 * `pixel_values` [1, 3, S, S] to `features`; the decoder's graphs are those of SAM 2 (see `sam2/mask-decoder.ts`).
 */
export interface NetworkModel {
  /** Name of its family. */
  readonly family: string;
  /** Everything that decides the graphs; plain data, part of the encoder cache's key. */
  readonly config: DecoderConfig;
  /** One plain sentence for people. */
  readonly description: string;
  /** Whether prompts may carry a granularity. */
  readonly granularity: boolean;
  /** The image embedding first. */
  readonly features: readonly FeatureMap[];
  readonly imageEncoder: Graph;
  /** The same encoder for kernels of our own; null: there are none for this family. */
  readonly encoderSource: EncoderSource | null;
  readonly maskPromptEncoder: Graph;
  readonly decoderImageTokens: Graph;
  /** null: the upscaling adds no maps of the encoder. */
  readonly decoderSkips: Graph | null;
  readonly maskDecoder: Graph;
  /**
   * What it takes to follow objects through a video, whose tensors an image never needs: they are asked for and checked only
   * here. null: not for this family. Throws `E_UNSUPPORTED` for a checkpoint without them, `E_BAD_CONFIG`, `E_BAD_CHECKPOINT`.
   */
  readonly video: (() => VideoModel) | null;
  /** [d]: what is added to the image embedding where there is no mask prompt. */
  noMaskEmbedding(): Promise<Float32Array>;
  /** The tensors of prompt encoder and mask decoder under their official names, LoRA folded in. */
  decoderWeights(): Promise<ReadonlyMap<string, Tensor>>;
}

/** What is known of a checkpoint beside its tensors. */
export interface ModelHints {
  /** Model configuration as the user gave it (JSON, keys of the official YAML); undefined: none. */
  readonly config: unknown;
  /** Name of the file, without its folder; some sizes of a family differ in nothing else. */
  readonly fileName: string;
}

/** How checkpoints of one architecture become networks. */
export interface NetworkFamily {
  readonly name: string;
  readonly capabilities: ModelCapabilities;
  /**
   * Official names of a few tensors of every part of the model, which each of its checkpoints has: they tell where in a
   * file the weights lie.
   */
  readonly marks: readonly string[];
  /** Whether these tensors are of this family, by names and shapes alone. */
  recognises(weights: WeightView): boolean;
  /**
   * Asks `weights` for everything that the model reads; the caller then checks that it is there. Reads no tensor.
   * Throws `E_BAD_CONFIG` where the configuration is wrong, or needed and missing; `E_BAD_CHECKPOINT`.
   */
  model(weights: WeightView, hints: ModelHints): NetworkModel;
}
