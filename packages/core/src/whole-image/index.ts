export type { Claim, CollectedBatch, FoundMask, LevelReport } from "./found-mask.js";
export * from "./generate.js";
export { type Crop, type CropBox, cropBoxes, pointGrid } from "./grid.js";
export { ADAPTIVE_SHARE, OFFICIAL_OPTIONS, type Prompting, type WholeImageOptions } from "./options.js";
export type {
  ClickBatch,
  MaskBatch,
  ProposalCall,
  ProposalSource,
  ProposedLogits,
  ProposedMask,
} from "./proposals.js";
export { isConfident, isStable } from "./score-thresholds.js";
