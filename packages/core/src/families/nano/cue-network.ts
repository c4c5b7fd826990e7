import type { NanoInput } from "../../models/index.js";
import type { LearnedCues } from "../../region-tree/index.js";

/** The tensors of a nano model, by name. */
export type NanoWeights = ReadonlyMap<
  string,
  { readonly data: Float32Array; readonly shape: readonly number[] }
>;

/** The network of a nano model, whatever it computes on. Lives in one worker thread. */
export interface CueNetwork {
  readonly kind: "onnx" | "native";
  /** Where the caller gives up it may end early, with any error: the caller no longer waits for it. */
  look(input: NanoInput): Promise<LearnedCues>;
  release(): Promise<void>;
}
