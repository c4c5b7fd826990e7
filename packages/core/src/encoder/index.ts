export * from "./encoder-cache.js";
export type { ImageEncoder } from "./image-encoder.js";
export * from "./native-encoder.js";
export type { OnnxEncoderKernel } from "./onnx-encoder-kernel.js";
