export type { TiledOptions, TiledProgress } from "./tiled-options.js";
export { TiledScene, type WriteOptions } from "./tiled-scene.js";
