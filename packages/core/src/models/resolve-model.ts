import path from "node:path";
import { UnSAMError } from "../errors.js";
import { shown } from "../files/index.js";
import { efficientTam } from "./efficienttam/family.js";
import {
  type FoundWeights,
  findWeights,
  type NamedTensors,
  type WeightPlace,
  weightPlaces,
} from "./layers/find-weights.js";
import { foldLora } from "./layers/lora.js";
import { WeightView } from "./layers/weight-view.js";
import type { NetworkFamily, NetworkModel } from "./network-model.js";
import { sam2 } from "./sam2/family.js";
import { unsamv2 } from "./unsamv2/family.js";

/** The families whose checkpoints are recognised, the most particular first. */
export const NETWORK_FAMILIES: readonly NetworkFamily[] = [efficientTam, unsamv2, sam2];

/** A network, and the weights it was made from. */
export interface ResolvedModel extends NetworkModel {
  readonly weights: FoundWeights;
}

/**
 * The weights of a network in a checkpoint, whatever they are wrapped in. `key`: which, where there are several.
 * Throws `E_BAD_CHECKPOINT`, `E_BAD_OPTION` for a key that is not there.
 */
export function findModelWeights(source: NamedTensors, key?: string): FoundWeights {
  return findWeights(source, { marks: allMarks(), what: "model that is known here", key });
}

/** Every place in a checkpoint where the weights of a network lie. */
export function modelWeightPlaces(source: NamedTensors): WeightPlace[] {
  return weightPlaces(source, allMarks());
}

function allMarks(): string[] {
  return [...new Set(NETWORK_FAMILIES.flatMap(({ marks }) => marks))];
}

/**
 * Finds the weights in a checkpoint, folds LoRA in, and puts them and a configuration together; without one, published
 * sizes are recognised. `config` is the user's JSON, `key` says which weights where there are several.
 * Throws `E_BAD_CHECKPOINT` naming missing or misshapen tensors, `E_BAD_CONFIG` where a configuration is wrong or needed,
 * `E_BAD_OPTION` for a key that is not there; all name the file where the source has a path.
 */
export function resolveModel(source: NamedTensors, config?: unknown, key?: string): ResolvedModel {
  const found = findModelWeights(source, key);
  try {
    const weights = new WeightView(foldLora(found));
    const family = NETWORK_FAMILIES.find((one) => one.recognises(weights));
    if (!family) {
      throw new UnSAMError(
        "E_BAD_CHECKPOINT",
        "The tensors form no model that is known here. Give a checkpoint of UnSAMv2, SAM 2, SAM 2.1 or EfficientTAM.",
      );
    }
    const model = family.model(weights, { config, fileName: path.basename(source.path ?? "") });
    weights.check();
    const { place, places } = found;
    const from = places.length > 1 ? ` Its weights are "${place.key}", of ${places.length} in the file.` : "";
    return { ...model, description: model.description + from, weights: found };
  } catch (error) {
    if (!UnSAMError.isInstance(error) || source.path === undefined) throw error;
    throw new UnSAMError(error.code, `${shown(source.path)}: ${error.message}`, { cause: error });
  }
}
