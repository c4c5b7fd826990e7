import { WeightView } from "./layers/weight-view.js";
import type { ModelConfig } from "./sam2/config.js";
import { sam2Model } from "./sam2/model.js";
import { GRANULARITY_TOKENS } from "./unsamv2/granularity.js";

/** Every tensor that a SAM 2 or an UnSAMv2 of this configuration reads, under its official name, with its shape. */
export function modelTensors(
  config: ModelConfig,
  { granularity }: { readonly granularity: boolean },
): ReadonlyMap<string, readonly number[]> {
  const weights = new WeightView({
    tensors: new Map(),
    read: (name) => Promise.reject(new Error(`${name} was read, though only its shape was wanted.`)),
  });
  sam2Model("sam2", config, weights, granularity ? GRANULARITY_TOKENS : null);
  return weights.required;
}
