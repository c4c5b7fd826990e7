// What a model of one's own is made of (docs/extending/add-a-model.md), for the API pages.
export type {
  Engine,
  EngineAnswer,
  EngineImage,
  EngineInfo,
  EngineSegment,
  ImageState,
  SegmentOptions,
  StateTensor,
} from "@unsam/core/engine";
export type {
  AskedModel,
  CheckpointFile,
  CheckpointModel,
  ModelFamily,
  OpenOptions,
} from "@unsam/core/families";
export type {
  DecoderConfig,
  EncoderPlan,
  EncoderSource,
  FeatureMap,
  FeatureName,
  ModelCapabilities,
  ModelHints,
  NetworkFamily,
  NetworkModel,
  StabilityFallback,
} from "@unsam/core/models";
