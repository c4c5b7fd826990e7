import { availableParallelism } from "node:os";
import type { NativeBinding, NativeNanoEncoder } from "@unsam/native-cuda";
import type { NanoInput } from "../../models/index.js";
import { typed } from "../../operations/index.js";
import type { LearnedCues } from "../../region-tree/index.js";
import { callersAbort, callersAbortCell } from "../../runtime/index.js";
import type { CueNetwork, NanoWeights } from "./cue-network.js";

/** The network in C++. `threads`: of one call, default one per core; the cues do not depend on them. Throws `E_BAD_CHECKPOINT`. */
export async function openNativeNetwork(
  binding: NativeBinding,
  weights: NanoWeights,
  threads = availableParallelism(),
): Promise<CueNetwork> {
  return new NativeNetwork(await typed(binding.createNanoEncoder(Object.fromEntries(weights))), threads);
}

class NativeNetwork implements CueNetwork {
  readonly kind = "native";
  readonly #encoder: NativeNanoEncoder;
  readonly #threads: number;

  constructor(encoder: NativeNanoEncoder, threads: number) {
    this.#encoder = encoder;
    this.#threads = threads;
  }

  async look(input: NanoInput): Promise<LearnedCues> {
    const options = { threads: this.#threads, cancel: callersAbortCell() };
    const cues = await typed(this.#encoder.encode(input, options));
    if (cues === null) {
      callersAbort.throwIfAborted();
      throw new Error("The network was stopped, though its caller waits.");
    }
    return cues;
  }

  async release(): Promise<void> {
    this.#encoder.dispose();
  }
}
