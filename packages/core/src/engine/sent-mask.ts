import { Mask } from "../mask/mask.js";
import type { VideoPrompt } from "./engine-video.js";

/** A mask prompt as it crosses to the thread that follows a video's objects. */
export type SentMask =
  | { readonly width: number; readonly height: number; readonly words: Uint32Array }
  | { readonly width: number; readonly height: number; readonly logits: Float32Array };

export function sentMask(mask: NonNullable<VideoPrompt["mask"]>): SentMask {
  if (mask instanceof Mask) return { width: mask.width, height: mask.height, words: mask.words };
  return { width: mask.shape[1], height: mask.shape[0], logits: mask.data };
}
