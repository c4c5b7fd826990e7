import type { ImageFeatures } from "../decoder/mask-decoder.js";
import { Tensor } from "../runtime/onnx-runtime.js";
import type { Session } from "../runtime/ort-session.js";

// Importing this file loads ONNX Runtime, whose `run` blocks its thread: it belongs in a worker.

/** The image encoder of one model on ONNX Runtime. Plain data in and out. */
export class OnnxEncoderKernel {
  readonly #session: Session;
  readonly #imageSize: number;

  private constructor(session: Session, imageSize: number) {
    this.#session = session;
    this.#imageSize = imageSize;
  }

  /** `openSession` opens the model at a path. */
  static async open(
    modelPath: string,
    imageSize: number,
    openSession: (path: string) => Promise<Session>,
  ): Promise<OnnxEncoderKernel> {
    return new OnnxEncoderKernel(await openSession(modelPath), imageSize);
  }

  /** pixels [3, S, S], resized and normalised. A call under way cannot be stopped. */
  async encode(pixels: Float32Array): Promise<ImageFeatures> {
    const side = this.#imageSize;
    const input = new Tensor("float32", pixels, [1, 3, side, side]);
    const outputs = await this.#session.run({ pixel_values: input });
    const features = Object.entries(outputs).map(([name, tensor]) => [
      name,
      { data: tensor.data as Float32Array, shape: tensor.dims.slice(1) },
    ]);
    return Object.fromEntries(features) as ImageFeatures;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
