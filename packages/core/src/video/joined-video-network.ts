import type { ImageFeatures, NetworkPrompt } from "../decoder/mask-decoder.js";
import type {
  NetworkModel,
  StabilityFallback,
  VideoModel,
  VideoRules,
  VideoTensors,
} from "../models/index.js";
import type { FrameDecoder, FrameSkips } from "./frame-decoder.js";
import type { MemoryNetwork } from "./memory-network.js";
import { objectPointer } from "./object-pointer.js";
import type { FrameFeatures, FrameOutput, MemoryFeed, VideoNetwork } from "./video-network.js";

/** Opens the parts of a video's network; each may compute wherever it likes. */
export interface OpenParts {
  memory(): Promise<MemoryNetwork>;
  decoder(): Promise<FrameDecoder>;
}

/** The networks of a tracker, joined from a memory and a decoder. */
export class JoinedVideoNetwork implements VideoNetwork {
  readonly rules: VideoRules;
  readonly tensors: VideoTensors;
  readonly granularity: boolean;
  readonly stability: StabilityFallback;
  readonly #memory: MemoryNetwork;
  readonly #decoder: FrameDecoder;

  private constructor(
    model: NetworkModel,
    { rules }: VideoModel,
    tensors: VideoTensors,
    memory: MemoryNetwork,
    decoder: FrameDecoder,
  ) {
    this.rules = rules;
    this.tensors = tensors;
    this.granularity = model.granularity;
    this.stability = model.config.stability;
    this.#memory = memory;
    this.#decoder = decoder;
  }

  /** Reads the tensors that only videos need. */
  static async open(model: NetworkModel, video: VideoModel, parts: OpenParts): Promise<JoinedVideoNetwork> {
    const memory = await parts.memory();
    try {
      const tensors = await video.tensors();
      return new JoinedVideoNetwork(model, video, tensors, memory, await parts.decoder());
    } catch (error) {
      await memory.release();
      throw error;
    }
  }

  /** Where masks are decoded. */
  get decoder(): FrameDecoder["kind"] {
    return this.#decoder.kind;
  }

  /** What a tracker keeps of a frame. `features`: as the image encoder gives them. */
  async frame(features: ImageFeatures): Promise<FrameFeatures> {
    const { noMemory } = this.tensors;
    const embedding = features.image_embed.data;
    const cells = embedding.length / noMemory.length;
    const plain = this.rules.noMemoryInFeatures
      ? embedding.map((value, i) => value - noMemory[Math.floor(i / cells)])
      : embedding;
    const skips = await this.#decoder.skips(features);
    return { plain, skips, bytes: plain.byteLength + skips.bytes };
  }

  attend({ plain }: FrameFeatures, feed: MemoryFeed): Promise<Float32Array> {
    return this.#memory.attend(plain, feed);
  }

  remember({ plain }: FrameFeatures, mask: Float32Array, absent: boolean): Promise<Float32Array> {
    return this.#memory.remember(plain, mask, absent);
  }

  decode({ skips }: FrameFeatures, embedding: Float32Array, prompt: NetworkPrompt): Promise<FrameOutput> {
    return this.#decoder.decode(skips as FrameSkips, embedding, prompt);
  }

  pointer(token: Float32Array): Float32Array {
    return objectPointer(token, this.tensors.pointer);
  }

  async release(): Promise<void> {
    await Promise.all([this.#memory.release(), this.#decoder.release()]);
  }
}
