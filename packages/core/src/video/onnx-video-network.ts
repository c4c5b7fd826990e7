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
import type { MemoryNetwork } from "./memory-network.js";
import { OnnxMemoryNetwork } from "./onnx-memory-network.js";
import type { FrameFeatures, FrameOutput, MemoryFeed, VideoNetwork } from "./video-network.js";

// Importing this file loads ONNX Runtime, whose `run` blocks its thread: it belongs in a worker.

interface Parts {
  readonly memory: MemoryNetwork;
  readonly pointer: Session;
  readonly decoder: OnnxDecoderKernel;
}

/** The networks of a tracker: decoder and object pointers on ONNX Runtime, memory wherever it is opened. */
export class OnnxVideoNetwork implements VideoNetwork {
  readonly rules: VideoRules;
  readonly tensors: VideoTensors;
  readonly granularity: boolean;
  readonly stability: StabilityFallback;
  readonly #parts: Parts;

  private constructor(model: NetworkModel, video: VideoModel, parts: Parts, tensors: VideoTensors) {
    this.rules = video.rules;
    this.tensors = tensors;
    this.granularity = model.granularity;
    this.stability = model.config.stability;
    this.#parts = parts;
  }

  /** Reads the tensors that only videos need. `openMemory`: default on ONNX Runtime. */
  static async open(
    model: NetworkModel,
    video: VideoModel,
    openSession: OpenSession,
    openMemory: () => Promise<MemoryNetwork> = () => OnnxMemoryNetwork.open(video, openSession),
  ): Promise<OnnxVideoNetwork> {
    const opened: { release(): Promise<void> }[] = [];
    const keep = <Part extends { release(): Promise<void> }>(part: Part): Part => {
      opened.push(part);
      return part;
    };
    try {
      const parts = {
        memory: keep(await openMemory()),
        pointer: keep(await openSession(await encodeModel(video.objectPointer))),
        decoder: keep(
          await OnnxDecoderKernel.open({ ...model, maskDecoder: video.maskDecoder }, openSession),
        ),
      };
      return new OnnxVideoNetwork(model, video, parts, await video.tensors());
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
    const skips = await this.#parts.decoder.skips(features);
    const arrays = [plain, ...Object.values(skips).map(({ data }) => data as Float32Array)];
    return { plain, skips, bytes: arrays.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  }

  attend({ plain }: FrameFeatures, feed: MemoryFeed): Promise<Float32Array> {
    return this.#parts.memory.attend(plain, feed);
  }

  remember({ plain }: FrameFeatures, mask: Float32Array, absent: boolean): Promise<Float32Array> {
    return this.#parts.memory.remember(plain, mask, absent);
  }

  async decode(frame: FrameFeatures, embedding: Float32Array, prompt: NetworkPrompt): Promise<FrameOutput> {
    const outputs = await this.#parts.decoder.outputs(embedding, frame.skips as TensorMap, prompt);
    const array = (name: string) => outputs[name].data as Float32Array;
    return {
      logits: array("low_res_logits"),
      predictedIou: array("predicted_iou"),
      objectScore: array("object_score")[0],
      tokens: array("mask_tokens"),
    };
  }

  async pointer(token: Float32Array): Promise<Float32Array> {
    const { pointer } = await this.#parts.pointer.run({ token: tensor(token, [1, token.length]) });
    return pointer.data as Float32Array;
  }

  async release(): Promise<void> {
    await Promise.all(Object.values(this.#parts).map((part: { release(): Promise<void> }) => part.release()));
  }
}

function tensor(data: Float32Array, shape: readonly number[]): SessionTensor {
  return new Tensor("float32", data, shape);
}
