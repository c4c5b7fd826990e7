export type { WrittenAnnotations } from "../annotation-files/write-files.js";
export type { WriteAnnotationsOptions } from "../annotation-files/write-plain.js";
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
