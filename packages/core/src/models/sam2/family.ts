import { UnSAMError } from "../../errors.js";
import type { WeightView } from "../layers/weight-view.js";
import type { NetworkFamily } from "../network-model.js";
import { type ModelConfig, parseModelConfig } from "./config.js";
import type { GranularityTokens } from "./mask-decoder.js";
import { decoderGraphs, PROMPTABLE, PROMPTABLE_MARKS, sam2Model } from "./model.js";
import { checkAgainstPublishedSize, OFFICIAL_DECODER, recogniseSize } from "./recognise.js";

/** SAM 2 and SAM 2.1 (Ravi et al. 2024): Hiera, feature pyramid, two-way decoder. */
export const sam2: NetworkFamily = {
  name: "sam2",
  capabilities: PROMPTABLE,
  marks: PROMPTABLE_MARKS,
  // Any part of it: a damaged checkpoint is better described by what it lacks than by what it is not.
  recognises: (weights) => hasPart(weights, "image_encoder.trunk.") || hasPart(weights, "sam_mask_decoder."),
  model(weights, { config }) {
    const variant = weights.has("no_obj_embed_spatial") ? "sam2.1" : "sam2";
    return sam2Model("sam2", configFor(weights, config, variant, null), weights, null, config);
  },
};

/** The given configuration, or that of the published size which the tensors have. */
export function configFor(
  weights: WeightView,
  given: unknown,
  variant: string,
  granularity: GranularityTokens | null,
): ModelConfig {
  if (given !== undefined) {
    const config = parseModelConfig(given);
    checkAgainstPublishedSize(config, weights);
    return config;
  }
  try {
    return recogniseSize(weights, variant);
  } catch (error) {
    // The decoder is the same at every size. Where the file lacks a part of it, no configuration would help: say that.
    if (UnSAMError.isInstance(error) && error.code === "E_BAD_CONFIG") {
      decoderGraphs(OFFICIAL_DECODER, weights, granularity);
      weights.check();
    }
    throw error;
  }
}

function hasPart(weights: WeightView, prefix: string): boolean {
  for (const name of weights.names) if (name.startsWith(prefix)) return true;
  return false;
}
