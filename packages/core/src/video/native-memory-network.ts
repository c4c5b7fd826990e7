import { availableParallelism } from "node:os";
import type { NativeBinding, NativeMemoryNetwork } from "@unsam/native-cuda";
import type { MemorySource } from "../models/index.js";
import { typed } from "../operations/native-errors.js";
import { callersAbort, callersAbortCell } from "../runtime/index.js";
import type { Tensor } from "../tensor.js";
import type { MemoryNetwork } from "./memory-network.js";
import type { MemoryFeed } from "./video-network.js";

/**
 * Memory attention and memory encoder in C++. `threads`: of one call, default one per core; no result depends on them. Throws
 * `E_BAD_CHECKPOINT`, `E_BAD_OPTION`, `E_RUNTIME`.
 */
export async function openNativeMemory(
  binding: NativeBinding,
  source: MemorySource,
  threads = availableParallelism(),
): Promise<MemoryNetwork> {
  const weights: Record<string, Tensor> = {};
  for (const name of source.names()) weights[name] = await source.read(name);
  return new NativeMemory(await typed(binding.createMemoryNetwork(source.plan, weights)), threads);
}

class NativeMemory implements MemoryNetwork {
  readonly kind = "native";
  readonly #network: NativeMemoryNetwork;
  readonly #threads: number;

  constructor(network: NativeMemoryNetwork, threads: number) {
    this.#network = network;
    this.#threads = threads;
  }

  async attend(features: Float32Array, feed: MemoryFeed): Promise<Float32Array> {
    return finished(await typed(this.#network.attend(features, feed, this.#work())));
  }

  async remember(features: Float32Array, mask: Float32Array, absent: boolean): Promise<Float32Array> {
    return finished(await typed(this.#network.remember(features, mask, absent, this.#work())));
  }

  async release(): Promise<void> {
    this.#network.dispose();
  }

  #work() {
    return { threads: this.#threads, cancel: callersAbortCell() };
  }
}

function finished(result: Float32Array | null): Float32Array {
  if (result !== null) return result;
  callersAbort.throwIfAborted();
  throw new Error("The memory was stopped, though its caller waits.");
}
