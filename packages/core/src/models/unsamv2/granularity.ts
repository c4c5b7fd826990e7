import { add, concat, cos, mul, reshape, sin, type Value } from "../../graph/index.js";
import { mlp } from "../layers/modules.js";
import type { WeightView } from "../layers/weight-view.js";
import type { DecoderConfig } from "../network-model.js";
import type { GranularityTokens } from "../sam2/mask-decoder.js";

const EMBEDDER = "sam_prompt_encoder.fourier_embedder.mlp.mlp";
const LAYERS = [0, 3, 6].map((position) => `${EMBEDDER}.${position}`);
/** Tensors that only a model with granularity has. */
export const GRANULARITY_MARKS = [
  "sam_mask_decoder.gra_token.weight",
  "sam_prompt_encoder.granularity_embedding.weight",
];

/** What UnSAMv2 adds to the mask decoder of SAM 2. */
export const GRANULARITY_TOKENS: GranularityTokens = {
  prompt: granularityToken,
  maskToken: "sam_mask_decoder.gra_token.weight",
  maskMlp: "sam_mask_decoder.gra_output_token_mlp",
};

/**
 * The prompt token of a granularity [batch, 1] (UnSAMv2, section 3): Fourier features at geometric frequencies
 * temperature^(i / n), sine and cosine interleaved, through three linear layers. → [batch, 1, d]
 */
export function granularityToken(granularity: Value, config: DecoderConfig, weights: WeightView): Value {
  const g = granularity.graph;
  const batch = granularity.shape[0];
  const [hidden, features] = embedderWidths(weights);
  const count = Math.floor(features / 2);
  const frequencies = Float32Array.from({ length: count }, (_, i) => config.temperature ** (i / count));
  const phase = mul(granularity, g.constant(frequencies, [1, count]));
  const pairs = [sin(phase), cos(phase)].map((part) => reshape(part, [batch, count, 1]));
  const interleaved = reshape(concat(pairs, 2), [batch, 2 * count]);
  const width = config.neck.width;
  const embedded = mlp(interleaved, LAYERS, [hidden, hidden, width], weights);
  const own = weights.tensor("sam_prompt_encoder.granularity_embedding.weight", [1, width]);
  return reshape(add(embedded, g.weight(own)), [batch, 1, width]);
}

/** [hidden, features] as the file has them; the official ones where it has nothing sensible, which the check then names. */
function embedderWidths(weights: WeightView): readonly number[] {
  const found = weights.shape(`${LAYERS[0]}.weight`);
  const sensible = found?.length === 2 && found.every((width) => width >= 2 && width <= 4096);
  return sensible ? found : [192, 128];
}
