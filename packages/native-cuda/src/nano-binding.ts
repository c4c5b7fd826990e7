import type { NativeEncodeOptions } from "./encoder-binding.js";
import type { NativeWeights } from "./native-weights.js";

// The nano model's part of the contract (native/src/addon/encoder): its convolution network, of any widths and depths.

/** L / 50 − 1, a / 40, b / 40 and L standardised over the image, [4, height, width]; sides are multiples of 32 up to 4096. */
export interface NativeNanoInput {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Planes at half the input's size. */
export interface NativeNanoCues {
  readonly columns: number;
  readonly rows: number;
  /** Of the metric. */
  readonly dimensions: number;
  /** [rows, columns] probability that a border runs through each cell. */
  readonly border: Float32Array;
  /** [rows, columns] how high in the part–whole tree that border lies. */
  readonly height: Float32Array;
  /** [dimensions, rows, columns] */
  readonly metric: Float32Array;
}

/** The network of one nano model. Its promises reject where anything is wrong; nothing throws. */
export interface NativeNanoEncoder {
  /** null: cancelled. A process or worker that ends waits for a call under way: set its `cancel`. */
  encode(input: NativeNanoInput, options: NativeEncodeOptions): Promise<NativeNanoCues | null>;
  /** Calls under way finish; later ones reject with `E_DISPOSED`. */
  dispose(): void;
}

export interface NativeNanoEncoding {
  /** `weights`: the tensors of the model's file. They are packed once; all calls share them. */
  createNanoEncoder(weights: NativeWeights): Promise<NativeNanoEncoder>;
  /** For `instanceof`; only `createNanoEncoder` makes one. */
  readonly NanoEncoder: new () => NativeNanoEncoder;
}
