export * from "./binding.js";
export * from "./encoder-binding.js";
export { type LoadNativeOptions, loadNative, type NativeStatus } from "./load.js";
export * from "./memory-binding.js";
export * from "./nano-binding.js";
export type { NativeTensor, NativeWeights } from "./native-weights.js";
export type { NativeWork } from "./native-work.js";
export { openAddon } from "./open-addon.js";
