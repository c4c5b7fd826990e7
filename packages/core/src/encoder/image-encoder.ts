import type { ImageFeatures } from "../decoder/mask-decoder.js";
import type { RgbImage } from "../image/rgb-image.js";

/** What turns a photo into features, whatever it computes on. Lives in one worker thread. */
export interface ImageEncoder {
  readonly kind: "onnx" | "native";
  /** Resizes, normalises and encodes. Where the caller gives up it may end early, with any error: the caller no longer waits for it. */
  encode(image: RgbImage): Promise<ImageFeatures>;
  release(): Promise<void>;
}
