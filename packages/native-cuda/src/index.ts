export * from "./binding.js";
export { type LoadNativeOptions, loadNative, type NativeStatus } from "./load.js";
