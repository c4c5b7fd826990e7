export { builtInFamily, MODEL_FAMILIES, networksOf } from "./families.js";
export { importModelFamilies } from "./import-models.js";
export * from "./model-family.js";
export { networkFamily } from "./network/network-family.js";
export { type CheckpointModel, type OpenModelOptions, openModel } from "./open-model.js";
