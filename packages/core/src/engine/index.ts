export { defaultCacheDir } from "./cache-dir.js";
export { describeModel } from "./describe-model.js";
export * from "./engine.js";
export { type NetworkOptions, openNetworkEngine } from "./network-engine.js";
export { openRegionTreeEngine } from "./region-tree-engine.js";
