export { type ModelConfig, parseModelConfig, type StabilityFallback } from "./config.js";
export * from "./image-encoder.js";
export * from "./lora.js";
export * from "./mask-decoder.js";
export * from "./prompt-encoder.js";
export * from "./recognise.js";
export * from "./resolve.js";
export * from "./weight-view.js";
export * from "./weights.js";
