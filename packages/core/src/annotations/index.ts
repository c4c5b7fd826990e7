export { decodeBrush, encodeBrush } from "./brush-runs.js";
export { ANNOTATION_CODECS, annotationJson, codecNamed, codecOf, recogniseAnnotations } from "./codecs.js";
export type { AnnotatedPhoto, AnnotationCodec, ReadContext, WriteContext } from "./format.js";
export { className } from "./formats/yolo.js";
export { lossesOf, simplified, withoutEmpty } from "./prepare.js";
export {
  type AnnotatedImage,
  type AnnotatedRegion,
  DEFAULT_LABEL,
  maskOf,
  polygonsOf,
  type RegionShape,
} from "./record.js";
export { walkXml, type XmlHandler } from "./xml.js";
