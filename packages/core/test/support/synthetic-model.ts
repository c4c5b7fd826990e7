import {
  GRANULARITY_TOKENS,
  type ModelConfig,
  modelTensors,
  type NetworkModel,
  sam2Model,
  type WeightSource,
  WeightView,
} from "#core/models/index.js";
import { randomValues } from "./random.js";

/** Names and shapes of every tensor that the model of this configuration needs, as a checkpoint lists them. */
export function requiredShapes(
  config: ModelConfig,
  granularity: boolean,
): Map<string, { shape: readonly number[] }> {
  return new Map([...modelTensors(config, { granularity })].map(([name, shape]) => [name, { shape }]));
}

/** The SAM 2 (or UnSAMv2) of this configuration on these weights. */
export function modelOf(source: WeightSource, config: ModelConfig, granularity = false): NetworkModel {
  return sam2Model("sam2", config, new WeightView(source), granularity ? GRANULARITY_TOKENS : null);
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
