import type { ImageFeatures, NetworkPrompt } from "../decoder/mask-decoder.js";
import type { FrameOutput } from "./video-network.js";

/** What a decoder keeps of a frame beside its embedding: the maps that its upscaling adds. */
export interface FrameSkips {
  /** The decoder's own. */
  readonly maps: unknown;
  readonly bytes: number;
}

/** The mask decoder of a video, whatever it computes on. The tracker chooses which of its masks is the answer. */
export interface FrameDecoder {
  readonly kind: "onnx" | "native";
  skips(features: ImageFeatures): Promise<FrameSkips>;
  /** `embedding` [d, s, s]: of a frame alone, or after memory attention. */
  decode(skips: FrameSkips, embedding: Float32Array, prompt: NetworkPrompt): Promise<FrameOutput>;
  release(): Promise<void>;
}
