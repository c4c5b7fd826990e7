import type { NativeEncoding } from "./encoder-binding.js";
import type { NativeMemory } from "./memory-binding.js";
import type { NativeNanoEncoding } from "./nano-binding.js";
import type { NativeWeights } from "./native-weights.js";
import type { NativeWork } from "./native-work.js";

// The contract with the addon (native/src/addon). test/contract.test.ts compares it with a built addon. The decoder is here,
// the image encoder in encoder-binding.ts, that of the nano model in nano-binding.ts, memory in memory-binding.ts; what the operations take and give is
// said in @unsam/core/operations, which is held to them by test/operations there.

/**
 * Raised with every change of this file, encoder-binding.ts, nano-binding.ts, memory-binding.ts or an operation; a binary built
 * for another contract is not used.
 */
export const CONTRACT = 13;

/** The `code` of every error the addon throws or rejects with; they are the SDK's. */
export type NativeErrorCode =
  | "E_BAD_CHECKPOINT"
  | "E_BAD_FILE"
  | "E_BAD_PROMPT"
  | "E_BAD_OPTION"
  | "E_UNSUPPORTED"
  | "E_DISPOSED"
  | "E_OUT_OF_MEMORY"
  | "E_DEVICE"
  | "E_RUNTIME";

export interface NativeDecoderOptions {
  /** bfloat16 (sums stay float32) needs a CPU with AVX512_BF16, else `E_UNSUPPORTED`. */
  readonly precision: "float32" | "bfloat16";
  /** Number of a CUDA device, which runs both precisions; left out or null: the processor. */
  readonly device?: number | null;
}

export interface NativeCuda {
  /** Names of the devices, by number. */
  readonly devices: readonly string[];
  /** Why none can be used: no CUDA code in this build, no driver, no device; null where one can. */
  readonly reason: string | null;
}

/** What the image encoder made of one image with a network side S, s = S / 16. */
export interface NativeFeatures {
  readonly side: number;
  /** [256, s, s], `no_mem_embed` already added. */
  readonly imageEmbed: Float32Array;
  /** [32, 4s, 4s] */
  readonly highRes0: Float32Array;
  /** [64, 2s, 2s] */
  readonly highRes1: Float32Array;
}

/** Tokens of one prompt in the network's S × S frame: box corners, clicks, then the padding point. */
export interface NativePrompt {
  /** [n, 2] x, y in pixels, not yet shifted by half a pixel; finite. n = 0 only beside a mask. */
  readonly coords: Float32Array;
  /** [n], −1 to 3 */
  readonly labels: Int32Array;
  readonly granularity: number | null;
  /** [4s, 4s] finite logits, or null. */
  readonly maskLogits: Float32Array | null;
}

/** c masks of one prompt, chosen by the model's own rules. */
export interface NativeMasks {
  /** [c, 4s, 4s] logits, not clamped. */
  readonly lowRes: Float32Array;
  /** [c]; with `everyMask` [4] */
  readonly predictedIou: Float32Array;
  /** Raw logit. */
  readonly objectScore: number;
  /** [c] mask token of each mask; 4 is the granularity token. */
  readonly tokens: Int32Array;
  /** [c, 256] what became of these tokens; null without `everyMask`. */
  readonly maskTokens: Float32Array | null;
}

export interface NativeDecodeOptions extends NativeWork {
  readonly multimask: boolean;
  /**
   * All that the decoder says, nothing chosen: every mask, the four estimates and the tokens, whatever `multimask` is. Videos
   * need it, whose rules are others. On a CUDA device `E_UNSUPPORTED`. Default false.
   */
  readonly everyMask?: boolean;
}

/** An image made ready: what does not depend on the prompt. Immutable; any number of calls may use it at once. */
export interface NativePreparedImage {
  /** Frees the memory once no call uses it any more; later calls with it reject with `E_DISPOSED`. */
  dispose(): void;
}

/**
 * The mask decoder of one model. Its methods read their arguments before they return (arrays are copied), do the work
 * on libuv's thread pool, and never throw: whatever is wrong rejects the promise.
 */
export interface NativeDecoder {
  prepare(features: NativeFeatures, options: NativeWork): Promise<NativePreparedImage>;
  /** One result per prompt, in order; at least one prompt. */
  decode(
    image: NativePreparedImage,
    prompts: readonly NativePrompt[],
    options: NativeDecodeOptions,
  ): Promise<NativeMasks[]>;
  /** Calls under way finish; later ones reject with `E_DISPOSED`. */
  dispose(): void;
}

/**
 * A function of plain data. Like the decoder's methods it reads (copies) its arguments before it returns, works on libuv's
 * thread pool, and never throws: whatever is wrong rejects the promise. Every option has to be given. A Float32Array on a
 * SharedArrayBuffer is not copied, but read where it lies until the call ends.
 */
export type NativeOperation = (...args: readonly unknown[]) => Promise<never>;

export interface NativeBinding extends NativeEncoding, NativeNanoEncoding, NativeMemory {
  readonly contract: number;
  /** portable, avx2, avx512, avx512bf16 or amx. Throws `E_BAD_OPTION` where UNSAM_ISA names one this CPU lacks. */
  instructionSet(): string;
  cuda(): NativeCuda;
  /**
   * Gives back to the system what the C library holds though nobody uses it; says whether there was any (never, but with
   * glibc). Takes some milliseconds, in which other threads that allocate wait.
   */
  returnFreeMemory(): boolean;
  /** By the names of @unsam/core/operations. */
  readonly operations: Readonly<Record<string, NativeOperation>>;
  /** Number of the recipe that `buildRegionHierarchy` follows: that of @unsam/core where the trees are the same. */
  readonly regionTreeRecipe: number;
  /** The same for what it does with learned cues. */
  readonly learnedRecipe: number;
  /** Rejects with `E_UNSUPPORTED` where a device is asked for and CUDA cannot be used. */
  createDecoder(weights: NativeWeights, options: NativeDecoderOptions): Promise<NativeDecoder>;
  /** For `instanceof`; only `createDecoder` makes one. */
  readonly Decoder: new () => NativeDecoder;
  /** For `instanceof`; only `decoder.prepare` makes one. */
  readonly PreparedImage: new () => NativePreparedImage;
}
