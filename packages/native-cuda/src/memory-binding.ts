import type { NativeEncodeOptions } from "./encoder-binding.js";
import type { NativeWeights } from "./native-weights.js";

// What videos need of the contract (native/src/addon/memory): memory attention and memory encoder of SAM 2, of any size.

/** Everything about a memory that its tensors do not say. */
export interface NativeMemoryPlan {
  /** Side S of the network's input: a multiple of 16 up to 4096. s = S / 16, n = s². */
  readonly imageSize: number;
  /** Channels d of the features: a multiple of 4. */
  readonly width: number;
  /** Channels m of a memory: a multiple of 4. */
  readonly memoryWidth: number;
  readonly attentionLayers: number;
  /** Width of the hidden layers of memory attention. */
  readonly feedForward: number;
  readonly ropeTheta: number;
  /** Blocks of the memory encoder. */
  readonly fuserLayers: number;
  readonly fuserHidden: number;
  /** `no_obj_embed_spatial` is added to the memory of an object that is not there. */
  readonly absentEmbedding: boolean;
}

/** What a frame reads; at least one memory or pointer. */
export interface NativeMemoryFeed {
  /** [frames, n, m] */
  readonly memory: Float32Array;
  /** [frames, m] */
  readonly times: Float32Array;
  /** [tokens, m] */
  readonly pointers: Float32Array;
  /** [tokens, m] */
  readonly pointerTimes: Float32Array;
}

/** The memory of one model. Its promises reject where anything is wrong; nothing throws. null: cancelled. */
export interface NativeMemoryNetwork {
  /** Features [d, s, s], without `no_mem_embed`, to features [d, s, s] in the light of memories. */
  attend(
    features: Float32Array,
    feed: NativeMemoryFeed,
    options: NativeEncodeOptions,
  ): Promise<Float32Array | null>;
  /** Features, and a mask [S, S] that is scaled and shifted already, to a memory [n, m], not rounded. */
  remember(
    features: Float32Array,
    mask: Float32Array,
    absent: boolean,
    options: NativeEncodeOptions,
  ): Promise<Float32Array | null>;
  /** Calls under way finish; later ones reject with `E_DISPOSED`. */
  dispose(): void;
}

export interface NativeMemory {
  /** `weights`: the tensors `memory_attention.…`, `memory_encoder.…` and `no_obj_embed_spatial`. They are packed once; all calls share them. */
  createMemoryNetwork(plan: NativeMemoryPlan, weights: NativeWeights): Promise<NativeMemoryNetwork>;
  /** For `instanceof`; only `createMemoryNetwork` makes one. */
  readonly MemoryNetwork: new () => NativeMemoryNetwork;
}
