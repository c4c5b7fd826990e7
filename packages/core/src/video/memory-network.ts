import type { MemoryFeed } from "./video-network.js";

/** Where memory attention and memory encoder are computed. */
export type MemoryKind = "onnx" | "native";

/** Memory attention and memory encoder, whatever they compute on. Features are those of `FrameFeatures.plain`. */
export interface MemoryNetwork {
  readonly kind: MemoryKind;
  /** → features [d, s, s] in the light of memories. */
  attend(features: Float32Array, feed: MemoryFeed): Promise<Float32Array>;
  /** `mask` [S, S], scaled and shifted → memory [n, m], not rounded. */
  remember(features: Float32Array, mask: Float32Array, absent: boolean): Promise<Float32Array>;
  release(): Promise<void>;
}
