// The words that users may write. They stand apart from what they name, so that a command line can list and check them
// before it loads any of it.
import { KNOWN_MODELS } from "./store/known-models.js";

export { isModelName } from "./store/model-name.js";

/** Names of the models that need no file. */
export const BUILT_IN_MODELS = ["region-tree", "nano"] as const;
export type BuiltInModel = (typeof BUILT_IN_MODELS)[number];

/** The best built-in model. */
export const DEFAULT_MODEL = "nano" satisfies BuiltInModel;

/** The names of models that are fetched from the hub. */
export const MODEL_NAMES: readonly string[] = KNOWN_MODELS.map(({ name }) => name);

/** Names for three granularities. UnSAMv2 is trained on [0.1, 1]. */
export const NAMED_GRANULARITY = { fine: 0.2, medium: 0.5, coarse: 1 } as const;
