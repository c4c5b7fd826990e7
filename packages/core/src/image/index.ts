export * from "./bicubic.js";
export {
  checkImageFile,
  type DecodeOptions,
  decodeImage,
  decodingInFlight,
  type InspectedImage,
  inspectImage,
  isPath,
  readHeaderOfFile,
  readImageHeader,
} from "./decode.js";
export { checkFormat, foreignKind, formatOf, type ImageFormat } from "./format.js";
export { type ImagePart, ImageParts, type PartsOptions } from "./image-parts.js";
export * from "./input.js";
export * from "./png.js";
export * from "./resize.js";
export * from "./rgb-image.js";
