import path from "node:path";
import { UnSAMError } from "../errors.js";
import { shown } from "../files/index.js";
import type { ModelCapabilities } from "./capabilities.js";
import {
  type FoundWeights,
  findWeights,
  type NamedTensors,
  type WeightPlace,
  weightPlaces,
} from "./layers/find-weights.js";
import { foldLora } from "./layers/lora.js";
import { WeightView } from "./layers/weight-view.js";
import { NETWORK_FAMILIES } from "./network-families.js";
import type { NetworkFamily, NetworkModel } from "./network-model.js";

/** A network, what it can do, and the weights it was made from. */
export interface ResolvedModel extends NetworkModel {
  readonly capabilities: ModelCapabilities;
  readonly weights: FoundWeights;
}

/**
 * The weights of a network in a checkpoint, whatever they are wrapped in. `key`: which, where there are several.
 * Throws `E_BAD_CHECKPOINT`, `E_BAD_OPTION` for a key that is not there.
 */
export function findModelWeights(
  source: NamedTensors,
  key?: string,
  families: readonly NetworkFamily[] = NETWORK_FAMILIES,
): FoundWeights {
  return findWeights(source, { marks: allMarks(families), what: "model that is known here", key });
}

/** Every place in a checkpoint where the weights of a network lie. */
export function modelWeightPlaces(
  source: NamedTensors,
  families: readonly NetworkFamily[] = NETWORK_FAMILIES,
): WeightPlace[] {
  return weightPlaces(source, allMarks(families));
}

function allMarks(families: readonly NetworkFamily[]): string[] {
  return [...new Set(families.flatMap(({ marks }) => marks))];
}

/** The family of the network in a checkpoint. Reads no tensor. Throws as `resolveModel` does. */
export function recogniseNetwork(
  source: NamedTensors,
  key: string | undefined,
  families: readonly NetworkFamily[],
): NetworkFamily {
  const found = findModelWeights(source, key, families);
  return naming(source, () => familyOf(viewOf(found), families));
}

/**
 * Finds the weights in a checkpoint, folds LoRA in, and puts them and a configuration together; without one, published
 * sizes are recognised. `config` is the user's JSON, `key` says which weights where there are several.
 * Throws `E_BAD_CHECKPOINT` naming missing or misshapen tensors, `E_BAD_CONFIG` where a configuration is wrong or needed,
 * `E_BAD_OPTION` for a key that is not there; all name the file where the source has a path.
 */
export function resolveModel(
  source: NamedTensors,
  config?: unknown,
  key?: string,
  families: readonly NetworkFamily[] = NETWORK_FAMILIES,
): ResolvedModel {
  const found = findModelWeights(source, key, families);
  return naming(source, () => {
    const weights = viewOf(found);
    const family = familyOf(weights, families);
    const model = family.model(weights, { config, fileName: path.basename(source.path ?? "") });
    weights.check();
    const { place, places } = found;
    const from = places.length > 1 ? ` Its weights are "${place.key}", of ${places.length} in the file.` : "";
    // Whether the decoder's graph takes a granularity is for the model to say.
    const capabilities = { ...family.capabilities, granularity: model.granularity };
    return { ...model, capabilities, description: model.description + from, weights: found };
  });
}

function viewOf(found: FoundWeights): WeightView {
  return new WeightView(foldLora(found));
}

function familyOf(weights: WeightView, families: readonly NetworkFamily[]): NetworkFamily {
  const family = families.find((one) => one.recognises(weights));
  if (family) return family;
  throw new UnSAMError(
    "E_BAD_CHECKPOINT",
    "The tensors form no model that is known here. Give a checkpoint of UnSAMv2, SAM 2, SAM 2.1 or EfficientTAM.",
  );
}

/** Errors of `work` name the checkpoint, where it has a path. */
function naming<Result>(source: NamedTensors, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!UnSAMError.isInstance(error) || source.path === undefined) throw error;
    throw new UnSAMError(error.code, `${shown(source.path)}: ${error.message}`, { cause: error });
  }
}
