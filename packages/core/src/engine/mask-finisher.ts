/** Low-resolution logits to masks at image size; every finisher gives the same bits. */
export interface MaskFinisher {
  /** `maps`: unclamped logits, [side, side] each. Rejects with the signal's reason. */
  finish(
    maps: readonly Float32Array[],
    side: number,
    size: { readonly width: number; readonly height: number },
    options: FinishingOptions,
  ): Promise<FinishedWords[]>;
}

export interface FinishingOptions {
  /** Holes up to this many low-resolution pixels are filled first, islands removed. */
  readonly maxHoleArea: number;
  readonly maxSprinkleArea: number;
  readonly signal?: AbortSignal | undefined;
}

export interface FinishedWords {
  /** Bit-packed in the layout of `Mask`, in a buffer of its own. */
  readonly words: Uint32Array;
  readonly stability: number;
}
