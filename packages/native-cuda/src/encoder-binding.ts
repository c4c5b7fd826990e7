import type { NativeTensor, NativeWeights } from "./native-weights.js";
import type { NativeWork } from "./native-work.js";

// The image encoder's part of the contract (native/src/addon/encoder): Hiera with its feature pyramid, of any size.

/** Everything about an encoder that its tensors do not say. */
export interface NativeEncoderPlan {
  /** Side S of the network's input: a multiple of 32 up to 4096. */
  readonly imageSize: number;
  readonly embedDim: number;
  /** Rows, columns; the stride is 4. */
  readonly patchKernel: readonly [number, number];
  readonly patchPadding: readonly [number, number];
  readonly normEps: number;
  readonly blocks: readonly NativeEncoderBlock[];
  readonly neck: {
    /** Channels d of the image embedding: a multiple of 16. */
    readonly width: number;
    /** Levels (0 the finest) that add the doubled coarser level. */
    readonly topDownLevels: readonly number[];
    /** Such a sum is halved. */
    readonly average: boolean;
    readonly addNoMemory: boolean;
  };
}

export interface NativeEncoderBlock {
  readonly width: number;
  readonly heads: number;
  /** Width of the MLP's hidden layer. */
  readonly hidden: number;
  /** Window side in tokens of the incoming map; 0 attends over the whole map. */
  readonly window: number;
  /** Queries are max-pooled 2 × 2; three blocks do so. */
  readonly pools: boolean;
}

/** A photo, [height, width, 3] RGB bytes, to be resized and normalised; or [3, S, S] pixels for which that was done. */
export type NativeImage =
  | { readonly width: number; readonly height: number; readonly data: Uint8Array }
  | { readonly pixels: Float32Array };

export interface NativeEncodeOptions extends NativeWork {
  /** Left out: nothing stops the call. */
  readonly cancel?: NativeCancel | null;
}

/** A call stops within milliseconds once the first number of `cell`, which lies on a SharedArrayBuffer, is `value`. */
export interface NativeCancel {
  readonly cell: Int32Array;
  readonly value: number;
}

/** [d, s, s], [d / 8, 4s, 4s], [d / 4, 2s, 2s] for s = S / 16. */
export interface NativeEncodedImage {
  readonly imageEmbed: Float32Array;
  readonly highRes0: Float32Array;
  readonly highRes1: Float32Array;
}

/** The image encoder of one model. Like the decoder's, its promises reject where anything is wrong; nothing throws but `matrices`. */
export interface NativeImageEncoder {
  /** Official names of the large tensors, which come one at a time; and `image_encoder.trunk.position_embedding` [(S/4)², c]. */
  matrices(): string[];
  /** Each once, in any order. */
  load(name: string, tensor: NativeTensor): Promise<void>;
  /** null: cancelled. A process or worker that ends waits for a call under way: set its `cancel`. */
  encode(image: NativeImage, options: NativeEncodeOptions): Promise<NativeEncodedImage | null>;
  /** Calls under way finish; later ones reject with `E_DISPOSED`. */
  dispose(): void;
}

export interface NativeEncoding {
  /** `vectors`: all tensors that `matrices` does not name, LoRA folded in. bfloat16 works, though slowly, on every processor. */
  createImageEncoder(
    plan: NativeEncoderPlan,
    vectors: NativeWeights,
    options: { readonly precision: "float32" | "bfloat16" },
  ): Promise<NativeImageEncoder>;
  /** For `instanceof`; only `createImageEncoder` makes one. */
  readonly ImageEncoder: new () => NativeImageEncoder;
}
