import type { Graph } from "../../graph/index.js";
import type { Tensor } from "../../tensor.js";
import type { ModelCapabilities } from "../capabilities.js";
import type { WeightView } from "../layers/weight-view.js";
import type { DecoderConfig, EncoderSource, FeatureMap, NetworkModel } from "../network-model.js";
import type { ModelConfig } from "./config.js";
import { encoderSource } from "./encoder-plan.js";
import { imageEncoder } from "./image-encoder.js";
import { decoderImageTokens, decoderSkips, type GranularityTokens, maskDecoder } from "./mask-decoder.js";
import { videoModel } from "./memory/model.js";
import { maskPromptEncoder, noMaskEmbedding } from "./prompt-encoder.js";

/** Tensors that every network with a trunk like SAM 2's and its decoder has. */
export const PROMPTABLE_MARKS: readonly string[] = [
  "image_encoder.trunk.patch_embed.proj.weight",
  "image_encoder.trunk.pos_embed",
  "sam_prompt_encoder.no_mask_embed.weight",
  "sam_prompt_encoder.not_a_point_embed.weight",
  "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
  "sam_mask_decoder.iou_token.weight",
  "sam_mask_decoder.mask_tokens.weight",
  "sam_mask_decoder.output_upscaling.0.weight",
];

/** What every network with SAM 2's decoder can do. */
export const PROMPTABLE: ModelCapabilities = {
  granularity: false,
  multimask: true,
  refinement: true,
  regions: false,
  restore: { bytesPerPixel: 0 },
  weights: "checkpoint",
  options: ["device", "encoder", "decoder", "precision"],
  fillsMachine: true,
};

const DECODER_PARTS = ["sam_prompt_encoder.", "sam_mask_decoder."];

/**
 * A SAM 2 of this configuration; with `granularity` an UnSAMv2. Asks `weights` for everything that images need. `given`: the
 * user's configuration, where the part for videos finds its own keys.
 */
export function sam2Model(
  family: string,
  config: ModelConfig,
  weights: WeightView,
  granularity: GranularityTokens | null,
  given?: unknown,
): NetworkModel {
  const { imageSize, trunk } = config;
  const kind = granularity ? "UnSAMv2 (SAM 2 with granularity)" : "plain SAM 2 (no granularity)";
  return promptableModel(config, weights, {
    family,
    description: `${kind}, ${config.name}: ${imageSize} × ${imageSize} input, Hiera ${trunk.embedDim} × [${trunk.stages.join(", ")}].`,
    granularity,
    imageEncoder: imageEncoder(config, weights),
    encoderSource: encoderSource(config, weights),
    video: () => videoModel(config, given, weights.afresh(), granularity),
  });
}

/** What a family with SAM 2's prompt encoder and mask decoder brings of its own. */
export interface PromptableParts {
  readonly family: string;
  readonly description: string;
  readonly granularity: GranularityTokens | null;
  readonly imageEncoder: Graph;
  readonly encoderSource: EncoderSource | null;
  readonly video: NetworkModel["video"];
}

/** An image encoder with the prompt encoder and the mask decoder of SAM 2 behind it. */
export function promptableModel(
  config: DecoderConfig,
  weights: WeightView,
  { granularity, ...parts }: PromptableParts,
): NetworkModel {
  const noMask = noMaskEmbedding(config, weights);
  return {
    ...parts,
    config,
    granularity: granularity !== null,
    features: featureMaps(config),
    ...decoderGraphs(config, weights, granularity),
    noMaskEmbedding: () => noMask.load(),
    decoderWeights: () => readDecoder(weights),
  };
}

export function decoderGraphs(
  config: DecoderConfig,
  weights: WeightView,
  granularity: GranularityTokens | null,
): Pick<NetworkModel, "maskPromptEncoder" | "decoderImageTokens" | "decoderSkips" | "maskDecoder"> {
  return {
    maskPromptEncoder: maskPromptEncoder(config, weights),
    decoderImageTokens: decoderImageTokens(config, weights),
    decoderSkips: config.highResFeatures ? decoderSkips(config, weights) : null,
    maskDecoder: maskDecoder(config, weights, { granularity }),
  };
}

/** s = S / 16; high-resolution maps of stride 4 and 8 with an eighth and a quarter of the channels. */
function featureMaps({ imageSize, neck, highResFeatures }: DecoderConfig): FeatureMap[] {
  const [d, s] = [neck.width, imageSize / 16];
  const embedding: FeatureMap = { name: "image_embed", shape: [d, s, s] };
  if (!highResFeatures) return [embedding];
  return [
    embedding,
    { name: "high_res_0", shape: [d / 8, 4 * s, 4 * s] },
    { name: "high_res_1", shape: [d / 4, 2 * s, 2 * s] },
  ];
}

async function readDecoder(weights: WeightView): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const name of weights.names) {
    // What cannot be read is no weight of the model, or checking it would have failed.
    if (!weights.isReadable(name) || !DECODER_PARTS.some((part) => name.startsWith(part))) continue;
    tensors.set(name, await weights.read(name));
  }
  return tensors;
}
