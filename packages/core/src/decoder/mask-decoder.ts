import { UnSAMError } from "../errors.js";
import type { FeatureMap, FeatureName } from "../models/index.js";
import type { Priority } from "../runtime/priority-line.js";
import { elementCount, type Tensor } from "../tensor.js";

/**
 * What the image encoder hands to the decoder (SAM 2, section 4; sizes for a network side S, s = S / 16, of a decoder of
 * d channels). A family without high-resolution features has `image_embed` alone.
 */
export interface ImageFeatures extends Readonly<Partial<Record<FeatureName, Tensor>>> {
  /** [d, s, s], stride 16, `no_mem_embed` already added. */
  readonly image_embed: Tensor;
  /** [d / 8, 4s, 4s], stride 4, after `conv_s0`. */
  readonly high_res_0?: Tensor;
  /** [d / 4, 2s, 2s], stride 8, after `conv_s1`. */
  readonly high_res_1?: Tensor;
}

/** The features of an image as this model names and sizes them. Throws `E_BAD_FILE` where others were given. */
export function checkFeatures(features: ImageFeatures, expected: readonly FeatureMap[]): void {
  for (const { name, shape } of expected) {
    const tensor = features[name];
    if (tensor?.shape.join() === shape.join() && tensor.data.length === elementCount(shape)) continue;
    const found = tensor ? `[${tensor.shape.join(", ")}]` : "missing";
    throw new UnSAMError(
      "E_BAD_FILE",
      `The image feature ${name} is ${found} where this model has [${shape.join(", ")}]; encode the image with this model.`,
    );
  }
}

/** Official label numbers: background, foreground, box top-left, box bottom-right, ignored (takes a token). */
export type PointLabel = 0 | 1 | 2 | 3 | -1;

/** One prompt in the network's own frame; box corners first, then clicks, then the padding point. */
export interface NetworkPrompt {
  /** [n, 2] x, y in pixels of the S × S frame, not yet shifted by half a pixel. n = 0 only beside a mask. */
  readonly coords: Float32Array;
  /** [n] */
  readonly labels: Int32Array;
  /** Scalar granularity, or null: no granularity token. */
  readonly granularity: number | null;
  /** Mask prompt: logits [4s, 4s], or null. */
  readonly maskLogits: Float32Array | null;
}

export interface DecodeOptions {
  /** Official `multimask_output`. */
  readonly multimask: boolean;
  /** Default: interactive. */
  readonly priority?: Priority;
  readonly signal?: AbortSignal;
}

/** The masks of one prompt, chosen by the model's own rules (spec: "What is returned"). */
export interface DecodedMasks {
  /** Unclamped low-resolution logits, [c, 4s, 4s]. */
  readonly lowRes: Float32Array;
  /** [c] after the sigmoid. */
  readonly predictedIou: Float32Array;
  /** Raw object-score logit of the prompt. */
  readonly objectScore: number;
  /** [c] index of the mask token each mask comes from; 4 is the granularity token. */
  readonly tokens: Int32Array;
}

/** An image made ready for decoding: what does not depend on the prompt, computed once. Safe to share. */
export interface PreparedImage {
  /** A copy of the features it was made from, for saving. */
  features(): Promise<ImageFeatures>;
  dispose(): Promise<void>;
}

/** From prompts to low-resolution logits. Two implementations (ONNX Runtime, native) share one test-suite. */
export interface MaskDecoder {
  readonly kind: "onnx" | "native";
  /** Takes ownership of the features' buffers (they may be transferred to another thread). */
  prepare(features: ImageFeatures): Promise<PreparedImage>;
  /** One decoder call; prompts may differ in their number of points. Results in the order of the prompts. */
  decode(
    image: PreparedImage,
    prompts: readonly NetworkPrompt[],
    options: DecodeOptions,
  ): Promise<DecodedMasks[]>;
  dispose(): Promise<void>;
}
