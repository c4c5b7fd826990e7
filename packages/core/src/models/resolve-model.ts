import path from "node:path";
import { UnSAMError } from "../errors.js";
import { efficientTam } from "./efficienttam/family.js";
import { foldLora } from "./layers/lora.js";
import { WeightView } from "./layers/weight-view.js";
import type { WeightSource } from "./layers/weights.js";
import type { NetworkFamily, NetworkModel } from "./network-model.js";
import { sam2 } from "./sam2/family.js";
import { unsamv2 } from "./unsamv2/family.js";

/** The families whose checkpoints are recognised, the most particular first. */
export const NETWORK_FAMILIES: readonly NetworkFamily[] = [efficientTam, unsamv2, sam2];

/**
 * Puts a checkpoint (LoRA folded on the way) and a configuration together; without one, published sizes are recognised.
 * `config` is the user's JSON. Throws `E_BAD_CHECKPOINT` naming missing or misshapen tensors, `E_BAD_CONFIG` where a
 * configuration is wrong or needed; both begin with the file's path where the source has one.
 */
export function resolveModel(
  source: WeightSource & { readonly path?: string },
  config?: unknown,
): NetworkModel {
  try {
    const weights = new WeightView(foldLora(source));
    const family = NETWORK_FAMILIES.find((one) => one.recognises(weights));
    if (!family) {
      throw new UnSAMError(
        "E_BAD_CHECKPOINT",
        "The tensors form no model that is known here. Give a checkpoint of UnSAMv2, SAM 2, SAM 2.1 or EfficientTAM.",
      );
    }
    const model = family.model(weights, { config, fileName: path.basename(source.path ?? "") });
    weights.check();
    return model;
  } catch (error) {
    if (!(error instanceof UnSAMError) || source.path === undefined) throw error;
    throw new UnSAMError(error.code, `${source.path}: ${error.message}`, { cause: error });
  }
}
