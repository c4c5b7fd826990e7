export type {
  AnnotatedPhoto,
  AnnotationFormat,
  Fact,
  Outlines,
  ReadContext,
  WriteContext,
} from "./format.js";
export {
  ANNOTATION_FORMATS,
  annotationFormatNamed,
  annotationFormatOf,
  annotationJson,
  recogniseAnnotations,
} from "./formats.js";
export { lossesOf, simplified, withoutEmpty } from "./prepare.js";
export {
  type AnnotatedImage,
  type AnnotatedRegion,
  DEFAULT_LABEL,
  maskOf,
  polygonsOf,
  type RegionShape,
} from "./record.js";
