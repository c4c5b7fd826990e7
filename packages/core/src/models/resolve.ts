import type { Graph } from "../graph/index.js";
import type { ModelConfig } from "./config.js";
import { hasGranularity } from "./granularity.js";
import { imageEncoder } from "./image-encoder.js";
import { foldLora } from "./lora.js";
import { decoderImageTokens, decoderSkips, maskDecoder } from "./mask-decoder.js";
import { maskPromptEncoder, noMaskEmbedding } from "./prompt-encoder.js";
import { recogniseModel } from "./recognise.js";
import { WeightView } from "./weight-view.js";
import type { WeightSource } from "./weights.js";

/** A checkpoint and its configuration, checked against each other. Nothing but shapes has been read. */
export interface Model {
  readonly config: ModelConfig;
  /** Whether it takes a granularity (UnSAMv2) or is plain SAM 2. */
  readonly granularity: boolean;
  readonly imageEncoder: Graph;
  readonly maskPromptEncoder: Graph;
  readonly decoderImageTokens: Graph;
  readonly decoderSkips: Graph;
  readonly maskDecoder: Graph;
  /** [d]: what is added to the image embedding where there is no mask prompt. */
  noMaskEmbedding(): Promise<Float32Array>;
}

/**
 * Puts a checkpoint (LoRA folded on the way) and a configuration together; without one, published sizes are recognised.
 * Throws `E_BAD_CHECKPOINT` naming missing or misshapen tensors, `E_BAD_CONFIG` where a configuration is needed.
 */
export function resolveModel(source: WeightSource, given?: ModelConfig): Model {
  const weights = new WeightView(foldLora(source));
  const config = given ?? recogniseModel(weights);
  const noMask = noMaskEmbedding(config, weights);
  const model: Model = {
    config,
    granularity: hasGranularity(weights),
    imageEncoder: imageEncoder(config, weights),
    maskPromptEncoder: maskPromptEncoder(config, weights),
    decoderImageTokens: decoderImageTokens(config, weights),
    decoderSkips: decoderSkips(config, weights),
    maskDecoder: maskDecoder(config, weights),
    noMaskEmbedding: () => noMask.load(),
  };
  weights.check();
  return model;
}
