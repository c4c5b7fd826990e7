import type { OpenSession } from "../decoder/onnx-decoder-kernel.js";
import { encodeModel } from "../graph/index.js";
import type { VideoModel, VideoRules } from "../models/index.js";
import { Tensor } from "../runtime/onnx-runtime.js";
import type { Session, SessionTensor } from "../runtime/ort-session.js";
import type { MemoryNetwork } from "./memory-network.js";
import type { MemoryFeed } from "./video-network.js";

// Importing this file loads ONNX Runtime, whose `run` blocks its thread: it belongs in a worker.

/** Memory attention and memory encoder on ONNX Runtime: the reference. */
export class OnnxMemoryNetwork implements MemoryNetwork {
  readonly kind = "onnx";
  readonly #rules: VideoRules;
  readonly #attention: Session;
  readonly #encoder: Session;

  private constructor(rules: VideoRules, attention: Session, encoder: Session) {
    this.#rules = rules;
    this.#attention = attention;
    this.#encoder = encoder;
  }

  static async open(video: VideoModel, openSession: OpenSession): Promise<OnnxMemoryNetwork> {
    const attention = await openSession(await encodeModel(video.memoryAttention));
    try {
      const encoder = await openSession(await encodeModel(video.memoryEncoder));
      return new OnnxMemoryNetwork(video.rules, attention, encoder);
    } catch (cause) {
      await attention.release();
      throw cause;
    }
  }

  async attend(features: Float32Array, feed: MemoryFeed): Promise<Float32Array> {
    const { memoryWidth, imageSize } = this.#rules;
    const frames = feed.times.length / memoryWidth;
    const tokens = feed.pointers.length / memoryWidth;
    const { conditioned } = await this.#attention.run({
      features: this.#planes(features),
      memory: tensor(feed.memory, [frames, (imageSize / 16) ** 2, memoryWidth]),
      memory_time: tensor(feed.times, [frames, 1, memoryWidth]),
      pointers: tensor(feed.pointers, [tokens, memoryWidth]),
      pointer_time: tensor(feed.pointerTimes, [tokens, memoryWidth]),
    });
    return conditioned.data as Float32Array;
  }

  async remember(features: Float32Array, mask: Float32Array, absent: boolean): Promise<Float32Array> {
    const side = this.#rules.imageSize;
    const { memory } = await this.#encoder.run({
      features: this.#planes(features),
      mask: tensor(mask, [1, 1, side, side]),
      absent: tensor(Float32Array.of(absent ? 1 : 0), [1, 1]),
    });
    return memory.data as Float32Array;
  }

  async release(): Promise<void> {
    await Promise.all([this.#attention.release(), this.#encoder.release()]);
  }

  #planes(data: Float32Array): SessionTensor {
    const side = this.#rules.imageSize / 16;
    return tensor(data, [1, this.#rules.width, side, side]);
  }
}

function tensor(data: Float32Array, shape: readonly number[]): SessionTensor {
  return new Tensor("float32", data, shape);
}
