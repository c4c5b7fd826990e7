import { type InferenceSession, Tensor } from "onnxruntime-node";
import type { ImageFeatures } from "../decoder/mask-decoder.js";
import { UnSAMError } from "../errors.js";
import type { Tensor as CoreTensor } from "../tensor.js";

// Importing this file loads ONNX Runtime, whose `run` blocks its thread: it belongs in a worker.

/** The image encoder of one model on ONNX Runtime. Plain data in and out. */
export class OnnxEncoderKernel {
  readonly #session: InferenceSession;
  readonly #imageSize: number;

  private constructor(session: InferenceSession, imageSize: number) {
    this.#session = session;
    this.#imageSize = imageSize;
  }

  /** `openSession` opens the model at a path. */
  static async open(
    modelPath: string,
    imageSize: number,
    openSession: (path: string) => Promise<InferenceSession>,
  ): Promise<OnnxEncoderKernel> {
    try {
      return new OnnxEncoderKernel(await openSession(modelPath), imageSize);
    } catch (error) {
      throw failure(error);
    }
  }

  /** pixels [3, S, S], resized and normalised. */
  async encode(pixels: Float32Array): Promise<ImageFeatures> {
    const side = this.#imageSize;
    const input = new Tensor("float32", pixels, [1, 3, side, side]);
    let outputs: InferenceSession.OnnxValueMapType;
    try {
      outputs = await this.#session.run({ pixel_values: input });
    } catch (error) {
      throw failure(error);
    }
    const plain = (name: string): CoreTensor => {
      const tensor = outputs[name];
      return { data: tensor.data as Float32Array, shape: tensor.dims.slice(1) };
    };
    return { imageEmbed: plain("image_embed"), highRes0: plain("high_res_0"), highRes1: plain("high_res_1") };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function failure(error: unknown): UnSAMError {
  return new UnSAMError("E_RUNTIME", `ONNX Runtime failed in the image encoder: ${String(error)}`, {
    cause: error,
  });
}
