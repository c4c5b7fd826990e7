export * from "./bicubic.js";
export * from "./decode.js";
export { checkFormat, foreignKind, formatOf, type ImageFormat } from "./format.js";
export * from "./input.js";
export * from "./png.js";
export * from "./resize.js";
export * from "./rgb-image.js";
