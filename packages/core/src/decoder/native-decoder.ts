import { availableParallelism } from "node:os";
import type { NativeBinding, NativeDecoder, NativePreparedImage, NativePrompt } from "@unsam/native-cuda";
import { UnSAMError } from "../errors.js";
import type { FeatureMap, NetworkModel } from "../models/index.js";
import { DISPOSED, typed } from "../operations/native-errors.js";
import { Turns } from "../runtime/turns.js";
import type { Tensor } from "../tensor.js";
import {
  checkFeatures,
  type DecodedMasks,
  type DecodeOptions,
  type ImageFeatures,
  type MaskDecoder,
  type NetworkPrompt,
  type PreparedImage,
} from "./mask-decoder.js";

/**
 * Prompts per call into the addon: a multiple of the eight it decodes side by side, and few enough (a fraction of a
 * second) that an abort, another caller or the process's exit need not wait long.
 */
const BATCH = 16;
/** The same on a CUDA device, which decodes as many in one sequence of launches. */
const CUDA_BATCH = 64;

/** Prompts of many points fill a call sooner. */
const BATCH_LABELS = 2048;

export interface NativeDecoderOptions {
  /** Threads of one call; default: one per core. The result does not depend on them. */
  readonly threads?: number | undefined;
  /** Operands of the image-side products; sums stay float32. Default float32. */
  readonly precision?: "float32" | "bfloat16" | undefined;
  /** Number of the CUDA device that decodes; null: the processor. */
  readonly cudaDevice?: number | null | undefined;
  /** Calls into the addon that follow one another, since each uses all cores; default: those of this decoder. */
  readonly turns?: Turns | undefined;
}

/** Why the addon, whose constants are those of the published models, cannot stand for this model; null: it can. */
export function nativeMisfit(
  { config, granularity }: NetworkModel,
  weights: ReadonlyMap<string, Tensor>,
): string | null {
  const { enabled, delta, threshold } = config.stability;
  const fourier = weights.get("sam_prompt_encoder.fourier_embedder.mlp.mlp.0.weight")?.shape.join(" × ");
  if (config.neck.width !== 256) return `it has ${config.neck.width} channels, not 256`;
  if (config.objectScore === "none") return "it predicts no object score";
  if (!config.iouSigmoid) return "its IoU estimates do not end in a sigmoid";
  if (granularity && config.temperature !== 100) return `its temperature is ${config.temperature}, not 100`;
  if (granularity && fourier !== "192 × 128") return `its granularity encoder is ${fourier}, not 192 × 128`;
  if (!granularity && !(enabled && delta === 0.05 && threshold === 0.98)) {
    return "its rule for unstable masks is not the official one";
  }
  return null;
}

/**
 * The mask decoder in C++. `weights` and `features` are those of the model (`NetworkModel`); they are only read.
 * Throws `E_BAD_CHECKPOINT`, `E_BAD_OPTION` (a CUDA device that does not exist), `E_UNSUPPORTED` (bfloat16 on a processor
 * without it, no CUDA), `E_OUT_OF_MEMORY`, `E_DEVICE`, `E_RUNTIME`.
 */
export async function openNativeDecoder(
  binding: NativeBinding,
  weights: ReadonlyMap<string, Tensor>,
  features: readonly FeatureMap[],
  options: NativeDecoderOptions = {},
): Promise<MaskDecoder> {
  const { threads = availableParallelism(), precision = "float32", cudaDevice = null, turns } = options;
  const decoder = await typed(
    binding.createDecoder(Object.fromEntries(weights), { precision, device: cudaDevice }),
  );
  const batch = cudaDevice === null ? BATCH : CUDA_BATCH;
  return new NativeMaskDecoder(decoder, features, threads, batch, turns ?? new Turns());
}

/** The maps that the decoder's upscaling adds; zeros are what a decoder without high-resolution features adds. */
export function mapsOf({ image_embed, high_res_0, high_res_1 }: ImageFeatures) {
  const side = image_embed.shape[1];
  return {
    side,
    highRes0: high_res_0?.data ?? new Float32Array(32 * (4 * side) ** 2),
    highRes1: high_res_1?.data ?? new Float32Array(64 * (2 * side) ** 2),
  };
}

class NativeMaskDecoder implements MaskDecoder {
  readonly kind = "native";
  readonly #decoder: NativeDecoder;
  readonly #features: readonly FeatureMap[];
  readonly #threads: number;
  readonly #batch: number;
  readonly #images = new Set<NativeImage>();
  #disposed = false;
  readonly #turns: Turns;

  constructor(
    decoder: NativeDecoder,
    features: readonly FeatureMap[],
    threads: number,
    batch: number,
    turns: Turns,
  ) {
    this.#turns = turns;
    this.#decoder = decoder;
    this.#features = features;
    this.#threads = threads;
    this.#batch = batch;
  }

  async prepare(features: ImageFeatures): Promise<PreparedImage> {
    checkFeatures(features, this.#features);
    const arrays = { ...mapsOf(features), imageEmbed: features.image_embed.data };
    const prepared = await this.#turns.run(
      () => typed(this.#decoder.prepare(arrays, { threads: this.#threads })),
      { priority: "bulk" },
    );
    const image = new NativeImage(prepared, features, (it) => this.#images.delete(it));
    if (this.#disposed) await image.dispose();
    else this.#images.add(image);
    return image;
  }

  async decode(
    image: PreparedImage,
    prompts: readonly NetworkPrompt[],
    { multimask, priority = "interactive", signal }: DecodeOptions,
  ): Promise<DecodedMasks[]> {
    if (!(image instanceof NativeImage)) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        "The image was prepared by another decoder; prepare it with this one.",
      );
    }
    const options = { multimask, threads: this.#threads };
    const results: DecodedMasks[] = [];
    for (const batch of batchesOf(prompts, this.#batch)) {
      const decode = () => typed(this.#decoder.decode(image.handle, batch, options));
      results.push(...(await this.#turns.run(decode, { priority, signal })));
    }
    return results;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#decoder.dispose();
    for (const image of this.#images) await image.dispose();
  }
}

/** The prompts in order, in batches of so many or of BATCH_LABELS labels, but one at least. */
function* batchesOf(prompts: readonly NetworkPrompt[], most: number): Generator<readonly NativePrompt[]> {
  let batch: NetworkPrompt[] = [];
  let labels = 0;
  for (const prompt of prompts) {
    labels += prompt.labels.length;
    if (batch.length === most || (batch.length > 0 && labels > BATCH_LABELS)) {
      yield batch;
      batch = [];
      labels = prompt.labels.length;
    }
    batch.push(prompt);
  }
  if (batch.length > 0) yield batch;
}

class NativeImage implements PreparedImage {
  readonly handle: NativePreparedImage;
  #features: ImageFeatures | null;
  readonly #forget: (image: NativeImage) => void;

  constructor(handle: NativePreparedImage, features: ImageFeatures, forget: (image: NativeImage) => void) {
    this.handle = handle;
    this.#features = features;
    this.#forget = forget;
  }

  async features(): Promise<ImageFeatures> {
    if (!this.#features) throw new UnSAMError("E_DISPOSED", DISPOSED);
    const copies = Object.entries(this.#features).map(([name, { data, shape }]) => [
      name,
      { data: data.slice(), shape },
    ]);
    return Object.fromEntries(copies) as ImageFeatures;
  }

  async dispose(): Promise<void> {
    this.#features = null;
    this.handle.dispose();
    this.#forget(this);
  }
}
