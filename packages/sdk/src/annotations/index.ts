export {
  ANNOTATION_FORMAT_NAMES,
  type ImageAnnotations,
  type ImageToWrite,
  type ReadAnnotations,
  type ReadAnnotationsOptions,
  RegionAnnotation,
  type RegionToWrite,
  readAnnotations,
  writeAnnotations,
} from "./annotations.js";
export type { WrittenAnnotations } from "./write-files.js";
export type { WriteAnnotationsOptions } from "./write-plain.js";
