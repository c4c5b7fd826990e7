import { availableParallelism } from "node:os";
import type { NativeBinding, NativeImageEncoder } from "@unsam/native-cuda";
import type { ImageFeatures } from "../decoder/mask-decoder.js";
import type { RgbImage } from "../image/rgb-image.js";
import type { EncoderSource, FeatureMap } from "../models/index.js";
import { typed } from "../operations/native-errors.js";
import { callersAbort, callersAbortCell } from "../runtime/index.js";
import type { Tensor } from "../tensor.js";
import type { ImageEncoder } from "./image-encoder.js";

export interface NativeEncoderOptions {
  /** Threads of one call; default: one per core. The result does not depend on them. */
  readonly threads?: number | undefined;
  /** Of the operands of products; sums, norms and softmax are float32. Default float32. */
  readonly precision?: "float32" | "bfloat16" | undefined;
}

/** Whether this processor multiplies bfloat16 by instructions of its own; others only imitate it, slowly. */
export function hasBfloat16(binding: Pick<NativeBinding, "instructionSet">): boolean {
  return ["avx512bf16", "amx"].includes(binding.instructionSet());
}

/** The image encoder in C++. Throws `E_BAD_CHECKPOINT`, `E_BAD_OPTION`, `E_RUNTIME`. */
export async function openNativeEncoder(
  binding: NativeBinding,
  source: EncoderSource,
  features: readonly FeatureMap[],
  { threads = availableParallelism(), precision = "float32" }: NativeEncoderOptions = {},
): Promise<ImageEncoder> {
  return new NativeEncoder(await loadNativeEncoder(binding, source, precision), features, threads);
}

/**
 * The addon's encoder with a model's weights. Large matrices are read one at a time, each while the one before is packed,
 * so that a checkpoint never lies in memory twice.
 */
export async function loadNativeEncoder(
  binding: NativeBinding,
  source: EncoderSource,
  precision: "float32" | "bfloat16",
): Promise<NativeImageEncoder> {
  const vectors: Record<string, Tensor> = {};
  for (const name of source.names()) if (!isLarge(name)) vectors[name] = await source.read(name);
  const encoder = await typed(binding.createImageEncoder(source.plan, vectors, { precision }));
  try {
    let packing: Promise<void> = Promise.resolve();
    for (const name of encoder.matrices()) {
      const tensor = await source.read(name);
      await packing;
      packing = encoder.load(name, tensor);
      // Awaited in the next turn, which may never come; a failure must not go unheard until then.
      packing.catch(() => {});
    }
    await packing;
    return encoder;
  } catch (cause) {
    encoder.dispose();
    throw await typed(Promise.reject(cause)).catch((error: unknown) => error);
  }
}

/** What the addon takes alone (`matrices`), as it says once it has everything else. */
function isLarge(name: string): boolean {
  return (
    name.startsWith("image_encoder.trunk.") && name.endsWith(".weight") && !/\.norm\d\.weight$/.test(name)
  );
}

class NativeEncoder implements ImageEncoder {
  readonly kind = "native";
  readonly #encoder: NativeImageEncoder;
  readonly #features: readonly FeatureMap[];
  readonly #threads: number;

  constructor(encoder: NativeImageEncoder, features: readonly FeatureMap[], threads: number) {
    this.#encoder = encoder;
    this.#features = features;
    this.#threads = threads;
  }

  async encode(photo: RgbImage): Promise<ImageFeatures> {
    const options = { threads: this.#threads, cancel: callersAbortCell() };
    const encoded = await typed(this.#encoder.encode(photo, options));
    if (encoded === null) {
      callersAbort.throwIfAborted();
      throw new Error("The encoder was stopped, though its caller waits.");
    }
    const maps = {
      image_embed: encoded.imageEmbed,
      high_res_0: encoded.highRes0,
      high_res_1: encoded.highRes1,
    };
    const named = this.#features.map(({ name, shape }) => [name, { data: maps[name], shape }]);
    return Object.fromEntries(named) as ImageFeatures;
  }

  async release(): Promise<void> {
    this.#encoder.dispose();
  }
}
