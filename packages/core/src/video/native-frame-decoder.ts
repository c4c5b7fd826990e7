import { availableParallelism } from "node:os";
import type { NativeBinding, NativeDecoder } from "@unsam/native-cuda";
import type { ImageFeatures, NetworkPrompt } from "../decoder/mask-decoder.js";
import { mapsOf } from "../decoder/native-decoder.js";
import { typed } from "../operations/native-errors.js";
import type { Tensor } from "../tensor.js";
import type { FrameDecoder, FrameSkips } from "./frame-decoder.js";
import type { FrameOutput } from "./video-network.js";

/**
 * The mask decoder of a video in C++, in float32. `weights` are those of the model (`NetworkModel.decoderWeights`), for which
 * `nativeMisfit` has found nothing. `threads`: of one call, default one per core; no result depends on them. Throws
 * `E_BAD_CHECKPOINT`, `E_OUT_OF_MEMORY`, `E_RUNTIME`.
 */
export async function openNativeFrameDecoder(
  binding: NativeBinding,
  weights: ReadonlyMap<string, Tensor>,
  threads = availableParallelism(),
): Promise<FrameDecoder> {
  const given = Object.fromEntries(weights);
  return new NativeFrameDecoder(await typed(binding.createDecoder(given, { precision: "float32" })), threads);
}

type Maps = ReturnType<typeof mapsOf>;

class NativeFrameDecoder implements FrameDecoder {
  readonly kind = "native";
  readonly #decoder: NativeDecoder;
  readonly #threads: number;

  constructor(decoder: NativeDecoder, threads: number) {
    this.#decoder = decoder;
    this.#threads = threads;
  }

  async skips(features: ImageFeatures): Promise<FrameSkips> {
    const maps = mapsOf(features);
    return { maps, bytes: maps.highRes0.byteLength + maps.highRes1.byteLength };
  }

  /** The embedding differs from prompt to prompt, so nothing that is made ready for it would serve a second time. */
  async decode({ maps }: FrameSkips, embedding: Float32Array, prompt: NetworkPrompt): Promise<FrameOutput> {
    const threads = this.#threads;
    const features = { ...(maps as Maps), imageEmbed: embedding };
    const image = await typed(this.#decoder.prepare(features, { threads }));
    try {
      const how = { threads, multimask: false, everyMask: true };
      const [output] = await typed(this.#decoder.decode(image, [prompt], how));
      const { lowRes, predictedIou, objectScore, maskTokens } = output;
      return { logits: lowRes, predictedIou, objectScore, tokens: maskTokens! };
    } finally {
      image.dispose();
    }
  }

  async release(): Promise<void> {
    this.#decoder.dispose();
  }
}
