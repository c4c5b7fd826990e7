import type { Tensor } from "../../tensor.js";

/** Where a model's tensors come from; a `Checkpoint` is one, so is a LoRA-folded view of it. */
export interface WeightSource {
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>;
  /** float32, C order. */
  read(name: string): Promise<Tensor>;
}
