export { type FetchOptions, fetchBytes } from "./fetch-bytes.js";
export { KNOWN_MODELS, type KnownModel } from "./known-models.js";
export { type ListedModel, listModels } from "./list-models.js";
export { isModelName, parseModelName, unknownName } from "./model-name.js";
export type { PullProgress } from "./progress.js";
export type { PulledModel } from "./pull-context.js";
export { type PullOptions, pullModel } from "./pull-model.js";
