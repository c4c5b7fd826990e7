export { type CutOptions, maskCut } from "./divide/cuts.js";
export type { Candidate, Instance, Member } from "./family.js";
export { familyOf } from "./family.js";
export {
  type Annotation,
  type LabelFile,
  type LabelInfo,
  labelFile,
  parseLabelFile,
  readLabelFile,
} from "./label-file.js";
export {
  type LabelKernels,
  labelByNetwork,
  /** @deprecated The older name of `labelByNetwork`. */
  labelByNetwork as labelBySight,
  labelByTree,
  /** @deprecated The older name of `UnpackedOutput`. */
  type UnpackedOutput as Seen,
  type UnpackedOutput,
} from "./label-image.js";
export { writePreview } from "./preview.js";
export { guidedFilter } from "./refine/guided-filter.js";
export type { BackboneOptions } from "./run/backbone.js";
export {
  type LabelFolderOptions,
  type LabelProgress,
  type LabelReport,
  labelFolder,
} from "./run/label-folder.js";
