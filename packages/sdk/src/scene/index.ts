export type { FusionOptions } from "../scene-data/scene-data.js";
export type {
  EverythingOptions,
  EverythingProgress,
  GranularityLevel,
} from "./everything-options.js";
export { EverythingRun, type PartialScene } from "./everything-run.js";
export { GeneratedMask, type GenerateMasksOptions } from "./official-masks.js";
export type {
  CocoAnnotation,
  CocoOptions,
  CocoScene,
  PolygonFeature,
  PolygonScene,
} from "./scene-export.js";
export {
  type ExportOptions,
  type LogitFacts,
  type OverlayOptions,
  SceneHierarchy,
} from "./scene-hierarchy.js";
export { LabelMap, SceneContours } from "./scene-maps.js";
export { FoundMask, SceneMask } from "./scene-mask.js";
export { type MaskOfScene, sceneOfMasks } from "./scene-of-masks.js";
