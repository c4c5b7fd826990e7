export {
  AUTOMATIC_LEVELS,
  type DecodedLevel,
  MOST_SCALES,
  scalesOfLadder,
} from "./automatic-granularity.js";
export { defaultCacheDir } from "./cache-dir.js";
export * from "./engine.js";
export * from "./engine-video.js";
export { loadAddon } from "./load-addon.js";
export { encoderReason, nativeStatus } from "./native-status.js";
export {
  CPU_BY_DEFAULT,
  openNetworkEngine,
  type RecognisedCheckpoint,
  recogniseCheckpoint,
} from "./network-engine.js";
export type { NetworkOptions } from "./network-options.js";
export { TREE_CAPABILITIES, TREE_REASONS, TREE_TRAITS, TreeEngine } from "./region-tree-engine.js";
export type { TreeGrowth } from "./tree-growth.js";
export { treeKernels } from "./tree-kernels.js";
