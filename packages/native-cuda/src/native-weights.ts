export interface NativeTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Weights under their official names, LoRA folded in; names the decoder does not use are allowed. */
export type NativeWeights = Readonly<Record<string, NativeTensor>>;
