export {
  AUTOMATIC_LEVELS,
  type DecodedSetting,
  MOST_SCALES,
  scalesOfLadder,
} from "./automatic-granularity.js";
export { defaultCacheDir } from "./cache-dir.js";
export * from "./engine.js";
export { loadAddon } from "./load-addon.js";
export { type NanoOptions, openNanoEngine } from "./nano-engine.js";
export { CPU_BY_DEFAULT, openNetworkEngine } from "./network-engine.js";
export type { NetworkOptions } from "./network-options.js";
export { openRegionTreeEngine, type RegionTreeOptions } from "./region-tree-engine.js";
