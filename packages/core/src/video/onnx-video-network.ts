import type { ImageFeatures, NetworkPrompt } from "../decoder/mask-decoder.js";
import { OnnxDecoderKernel, type OpenSession, type TensorMap } from "../decoder/onnx-decoder-kernel.js";
import { encodeModel } from "../graph/index.js";
import type {
  NetworkModel,
  StabilityFallback,
  VideoModel,
  VideoRules,
  VideoTensors,
} from "../models/index.js";
import { Tensor } from "../runtime/onnx-runtime.js";
import type { Session, SessionTensor } from "../runtime/ort-session.js";
import type { FrameFeatures, FrameOutput, MemoryFeed, VideoNetwork } from "./video-network.js";

// Importing this file loads ONNX Runtime, whose `run` blocks its thread: it belongs in a worker.

interface Sessions {
  readonly attention: Session;
  readonly encoder: Session;
  readonly pointer: Session;
  readonly decoder: OnnxDecoderKernel;
}

/** The networks of a tracker on ONNX Runtime. */
export class OnnxVideoNetwork implements VideoNetwork {
  readonly rules: VideoRules;
  readonly tensors: VideoTensors;
  readonly granularity: boolean;
  readonly stability: StabilityFallback;
  readonly #sessions: Sessions;

  private constructor(model: NetworkModel, video: VideoModel, sessions: Sessions, tensors: VideoTensors) {
    this.rules = video.rules;
    this.tensors = tensors;
    this.granularity = model.granularity;
    this.stability = model.config.stability;
    this.#sessions = sessions;
  }

  /** Reads the tensors that only videos need. */
  static async open(
    model: NetworkModel,
    video: VideoModel,
    openSession: OpenSession,
  ): Promise<OnnxVideoNetwork> {
    const opened: { release(): Promise<void> }[] = [];
    const keep = <Part extends { release(): Promise<void> }>(part: Part): Part => {
      opened.push(part);
      return part;
    };
    try {
      const sessions = {
        attention: keep(await openSession(await encodeModel(video.memoryAttention))),
        encoder: keep(await openSession(await encodeModel(video.memoryEncoder))),
        pointer: keep(await openSession(await encodeModel(video.objectPointer))),
        decoder: keep(
          await OnnxDecoderKernel.open({ ...model, maskDecoder: video.maskDecoder }, openSession),
        ),
      };
      return new OnnxVideoNetwork(model, video, sessions, await video.tensors());
    } catch (error) {
      await Promise.all(opened.map((part) => part.release()));
      throw error;
    }
  }

  /** What a tracker keeps of a frame. `features`: as the image encoder gives them. */
  async frame(features: ImageFeatures): Promise<FrameFeatures> {
    const { noMemory } = this.tensors;
    const embedding = features.image_embed.data;
    const cells = embedding.length / noMemory.length;
    const plain = this.rules.noMemoryInFeatures
      ? embedding.map((value, i) => value - noMemory[Math.floor(i / cells)])
      : embedding;
    const skips = await this.#sessions.decoder.skips(features);
    const arrays = [plain, ...Object.values(skips).map(({ data }) => data as Float32Array)];
    return { plain, skips, bytes: arrays.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  }

  async attend({ plain }: FrameFeatures, feed: MemoryFeed): Promise<Float32Array> {
    const { memoryWidth } = this.rules;
    const frames = feed.times.length / memoryWidth;
    const tokens = feed.pointers.length / memoryWidth;
    const { conditioned } = await this.#sessions.attention.run({
      features: this.#planes(plain),
      memory: tensor(feed.memory, [frames, this.#cells, memoryWidth]),
      memory_time: tensor(feed.times, [frames, 1, memoryWidth]),
      pointers: tensor(feed.pointers, [tokens, memoryWidth]),
      pointer_time: tensor(feed.pointerTimes, [tokens, memoryWidth]),
    });
    return conditioned.data as Float32Array;
  }

  async remember({ plain }: FrameFeatures, mask: Float32Array, absent: boolean): Promise<Float32Array> {
    const side = this.rules.imageSize;
    const { memory } = await this.#sessions.encoder.run({
      features: this.#planes(plain),
      mask: tensor(mask, [1, 1, side, side]),
      absent: tensor(Float32Array.of(absent ? 1 : 0), [1, 1]),
    });
    return memory.data as Float32Array;
  }

  async decode(frame: FrameFeatures, embedding: Float32Array, prompt: NetworkPrompt): Promise<FrameOutput> {
    const outputs = await this.#sessions.decoder.outputs(embedding, frame.skips as TensorMap, prompt);
    const array = (name: string) => outputs[name].data as Float32Array;
    return {
      logits: array("low_res_logits"),
      predictedIou: array("predicted_iou"),
      objectScore: array("object_score")[0],
      tokens: array("mask_tokens"),
    };
  }

  async pointer(token: Float32Array): Promise<Float32Array> {
    const { pointer } = await this.#sessions.pointer.run({ token: tensor(token, [1, token.length]) });
    return pointer.data as Float32Array;
  }

  async release(): Promise<void> {
    await Promise.all(
      Object.values(this.#sessions).map((part: { release(): Promise<void> }) => part.release()),
    );
  }

  get #cells(): number {
    return (this.rules.imageSize / 16) ** 2;
  }

  #planes(data: Float32Array): SessionTensor {
    const side = this.rules.imageSize / 16;
    return tensor(data, [1, this.rules.width, side, side]);
  }
}

function tensor(data: Float32Array, shape: readonly number[]): SessionTensor {
  return new Tensor("float32", data, shape);
}
