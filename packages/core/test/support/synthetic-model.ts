import type { ModelConfig, WeightSource } from "#core/models/index.js";
import {
  decoderImageTokens,
  decoderSkips,
  imageEncoder,
  maskDecoder,
  maskPromptEncoder,
  WeightView,
} from "#core/models/index.js";
import { randomValues } from "./random.js";

/** Names and shapes of every tensor that the model of this configuration needs. */
export function requiredShapes(
  config: ModelConfig,
  granularity: boolean,
): Map<string, { shape: readonly number[] }> {
  const marks = granularity ? [["sam_mask_decoder.gra_token.weight", { shape: [] }] as const] : [];
  const view = new WeightView({
    tensors: new Map(marks),
    read: () => Promise.reject(new Error("only shapes here")),
  });
  for (const build of [imageEncoder, maskPromptEncoder, decoderImageTokens, decoderSkips, maskDecoder]) {
    build(config, view);
  }
  view.tensor("sam_prompt_encoder.no_mask_embed.weight", [1, config.neck.width]);
  return new Map([...view.required].map(([name, shape]) => [name, { shape }]));
}

/** A randomly initialised checkpoint, in memory: matrices keep the scale of what they multiply. */
export function syntheticCheckpoint(config: ModelConfig, granularity = false, seed = 1): WeightSource {
  const tensors = requiredShapes(config, granularity);
  const names = [...tensors.keys()];
  return {
    tensors,
    read: async (name) => {
      const { shape } = tensors.get(name)!;
      const count = shape.reduce((product, side) => product * side, 1);
      const isNorm =
        /norm\d?\.weight$|(upscaling|downscaling)\.[14]\.weight$/.test(name) && shape.length === 1;
      const scale = name.endsWith("bias") ? 0.1 : isNorm ? 0.2 : Math.sqrt(3 / (count / shape[0]));
      const data = randomValues(count, seed * 1000 + names.indexOf(name)).map(
        (value) => value * scale + (isNorm ? 1 : 0),
      );
      return { shape, data };
    },
  };
}
