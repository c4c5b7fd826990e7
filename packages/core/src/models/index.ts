export * from "./capabilities.js";
export { type EfficientTamConfig, efficientTamConfig } from "./efficienttam/config.js";
export { imageEncoder as efficientTamEncoder } from "./efficienttam/image-encoder.js";
export * from "./layers/find-weights.js";
export * from "./layers/lora.js";
export { mlpModule } from "./layers/modules.js";
export * from "./layers/weight-view.js";
export * from "./layers/weights.js";
export * from "./model-tensors.js";
export * from "./nano/image-encoder.js";
export * from "./nano/input.js";
export { NETWORK_FAMILIES } from "./network-families.js";
export * from "./network-model.js";
export * from "./read-config.js";
export * from "./resolve-model.js";
export { type ModelConfig, parseModelConfig } from "./sam2/config.js";
export * from "./sam2/image-encoder.js";
export * from "./sam2/mask-decoder.js";
export { memoryAttention } from "./sam2/memory/attention.js";
export { type MemoryConfig, memoryConfig } from "./sam2/memory/config.js";
export { memoryEncoder } from "./sam2/memory/encoder.js";
export {
  PROMPTABLE,
  PROMPTABLE_MARKS,
  type PromptableParts,
  promptableModel,
  sam2Model,
} from "./sam2/model.js";
export * from "./sam2/prompt-encoder.js";
export { officialConfig } from "./sam2/recognise.js";
export { imageProjections, twoWayTransformer } from "./sam2/two-way-transformer.js";
export { GRANULARITY_TOKENS, granularityToken } from "./unsamv2/granularity.js";
export * from "./video-model.js";
