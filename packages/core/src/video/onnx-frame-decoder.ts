import type { ImageFeatures, NetworkPrompt } from "../decoder/mask-decoder.js";
import { OnnxDecoderKernel, type OpenSession, type TensorMap } from "../decoder/onnx-decoder-kernel.js";
import type { NetworkModel, VideoModel } from "../models/index.js";
import type { FrameDecoder, FrameSkips } from "./frame-decoder.js";
import type { FrameOutput } from "./video-network.js";

// Importing this file loads ONNX Runtime, whose `run` blocks its thread: it belongs in a worker.

/** The mask decoder of a video on ONNX Runtime: the reference. */
export class OnnxFrameDecoder implements FrameDecoder {
  readonly kind = "onnx";
  readonly #kernel: OnnxDecoderKernel;

  private constructor(kernel: OnnxDecoderKernel) {
    this.#kernel = kernel;
  }

  static async open(
    model: NetworkModel,
    { maskDecoder }: VideoModel,
    openSession: OpenSession,
  ): Promise<OnnxFrameDecoder> {
    return new OnnxFrameDecoder(await OnnxDecoderKernel.open({ ...model, maskDecoder }, openSession));
  }

  async skips(features: ImageFeatures): Promise<FrameSkips> {
    const maps = await this.#kernel.skips(features);
    const arrays = Object.values(maps).map(({ data }) => data as Float32Array);
    return { maps, bytes: arrays.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  }

  async decode({ maps }: FrameSkips, embedding: Float32Array, prompt: NetworkPrompt): Promise<FrameOutput> {
    const outputs = await this.#kernel.outputs(embedding, maps as TensorMap, prompt);
    const array = (name: string) => outputs[name].data as Float32Array;
    return {
      logits: array("low_res_logits"),
      predictedIou: array("predicted_iou"),
      objectScore: array("object_score")[0],
      tokens: array("mask_tokens"),
    };
  }

  release(): Promise<void> {
    return this.#kernel.release();
  }
}
