import "@unsam/core/unbundled";

export { type ErrorCode, UnSAMError } from "@unsam/core/errors";
export {
  type CheckpointModel,
  type ModelFamily,
  networkFamily,
} from "@unsam/core/families";
export type { ImageInput } from "@unsam/core/image";
export type { Limits } from "@unsam/core/limits";
export { Mask } from "@unsam/core/mask";
export type { ModelCapabilities } from "@unsam/core/models";
export {
  BUILT_IN_MODELS,
  type BuiltInModel,
  DEFAULT_MODEL,
  MODEL_NAMES,
  NAMED_GRANULARITY,
} from "@unsam/core/names";
export type { ListedModel, PulledModel, PullProgress } from "@unsam/core/store";
export * from "./annotations/index.js";
export * from "./calibrate/index.js";
export { Calibration, type CalibrationData, type CalibrationFit } from "./calibration/index.js";
export { type Check, type Diagnosis, diagnose } from "./diagnose.js";
export type { ImageInputs } from "./encode-all.js";
export { EncodedImage } from "./encoded-image.js";
export type { Granularity } from "./granularity.js";
export {
  GranularityLadder,
  type LadderOptions,
  type Nesting,
  type NestingViolation,
} from "./granularity-ladder.js";
export { type CheckpointReport, type InspectOptions, inspectCheckpoint } from "./inspect-checkpoint.js";
export type { LadderRung } from "./ladder-rung.js";
export type { LadderSheetOptions } from "./ladder-sheet.js";
export type { LoadOptions } from "./load-options.js";
export { listModels, type ModelName, type PullModelOptions, pullModel } from "./model-store.js";
export type { EncodeOptions } from "./photo-encoder.js";
export type { NumberArray, PointInput, PointLabel, PromptInput } from "./prompt.js";
export * from "./scene/index.js";
export { Segment } from "./segment.js";
export type { SegmentOptions } from "./segment-options.js";
export * from "./tiles/index.js";
export { type ModelInfo, UnSAM } from "./unsam.js";
export * from "./video/index.js";
