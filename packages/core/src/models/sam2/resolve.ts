import { UnSAMError } from "../../errors.js";
import type { Graph } from "../../graph/index.js";
import { foldLora } from "../layers/lora.js";
import { WeightView } from "../layers/weight-view.js";
import type { WeightSource } from "../layers/weights.js";
import { GRANULARITY_MARKS, hasGranularity } from "../unsamv2/granularity.js";
import type { ModelConfig } from "./config.js";
import { imageEncoder } from "./image-encoder.js";
import { decoderImageTokens, decoderSkips, maskDecoder } from "./mask-decoder.js";
import { maskPromptEncoder, noMaskEmbedding } from "./prompt-encoder.js";
import { OFFICIAL_DECODER, recogniseModel } from "./recognise.js";

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
 * Throws `E_BAD_CHECKPOINT` naming missing or misshapen tensors, `E_BAD_CONFIG` where a configuration is needed; both
 * begin with the file's path where the source has one.
 */
export function resolveModel(source: WeightSource & { readonly path?: string }, given?: ModelConfig): Model {
  try {
    const weights = new WeightView(foldLora(source));
    const model = assemble(weights, given ?? recognise(weights));
    weights.check();
    return model;
  } catch (error) {
    if (!(error instanceof UnSAMError) || source.path === undefined) throw error;
    throw new UnSAMError(error.code, `${source.path}: ${error.message}`, { cause: error });
  }
}

/** Every tensor that a model of this configuration reads, under its official name, with its shape. */
export function modelTensors(
  config: ModelConfig,
  { granularity }: { readonly granularity: boolean },
): ReadonlyMap<string, readonly number[]> {
  const marks = granularity ? GRANULARITY_MARKS.map((name) => [name, { shape: [] }] as const) : [];
  const weights = new WeightView({
    tensors: new Map(marks),
    read: (name) => Promise.reject(new Error(`${name} was read, though only its shape was wanted.`)),
  });
  assemble(weights, config);
  return weights.required;
}

function assemble(weights: WeightView, config: ModelConfig): Model {
  const noMask = noMaskEmbedding(config, weights);
  return {
    config,
    granularity: hasGranularity(weights),
    imageEncoder: imageEncoder(config, weights),
    ...decoderParts(config, weights),
    noMaskEmbedding: () => noMask.load(),
  };
}

function decoderParts(config: ModelConfig, weights: WeightView) {
  return {
    maskPromptEncoder: maskPromptEncoder(config, weights),
    decoderImageTokens: decoderImageTokens(config, weights),
    decoderSkips: decoderSkips(config, weights),
    maskDecoder: maskDecoder(config, weights),
  };
}

function recognise(weights: WeightView): ModelConfig {
  try {
    return recogniseModel(weights);
  } catch (error) {
    // The decoder is the same at every size. Where the file lacks a part of it, no configuration would help: say that.
    if (error instanceof UnSAMError && error.code === "E_BAD_CONFIG") {
      decoderParts(OFFICIAL_DECODER, weights);
      weights.check();
    }
    throw error;
  }
}
