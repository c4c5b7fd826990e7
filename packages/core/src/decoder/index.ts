export * from "./assemble-prompt.js";
export { clampedLogits } from "./clamp-logits.js";
export * from "./mask-decoder.js";
export * from "./native-decoder.js";
export type { OpenSession, PreparedFeatures } from "./onnx-decoder-kernel.js";
export * from "./select-masks.js";
