export { tileMerging } from "./merge-tiles.js";
export { granularityOfArea, type MaskForest, nestMasks } from "./nest-masks.js";
export { surelyWhole } from "./place-masks.js";
export {
  type Size,
  type TileBox,
  type TileLevel,
  type TileSettings,
  tileBox,
  tileCore,
  tileCount,
  tileLevels,
} from "./tile-grid.js";
export type { TileMask } from "./tile-mask.js";
export {
  type LevelCounts,
  type MergedMask,
  type MergedMasks,
  type MergeSettings,
  TileMerger,
} from "./tile-merger.js";
