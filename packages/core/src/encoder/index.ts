export * from "./encoder-cache.js";
export type { OnnxEncoderKernel } from "./onnx-encoder-kernel.js";
