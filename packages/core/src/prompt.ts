import type { Mask } from "./mask/mask.js";
import type { Tensor } from "./tensor.js";

/** One click in pixels of the original image. */
export interface PromptPoint {
  readonly x: number;
  readonly y: number;
  /** 1 foreground, 0 background, −1 ignored. */
  readonly label: 1 | 0 | -1;
}

/**
 * Most points of a prompt. Attention among them costs the square of their number: beyond this bound one prompt would hold a
 * machine for seconds, and ONNX Runtime would need gigabytes for it.
 */
export const MOST_POINTS = 5000;

/** A validated prompt in pixels of the original image: what every engine understands. */
export interface Prompt {
  readonly points: readonly PromptPoint[];
  /** x0, y0, x1, y1 with x0 < x1 and y0 < y1, or null. */
  readonly box: readonly [number, number, number, number] | null;
  /** Low-resolution logits ([h, w]), which count within ±32, a mask at image size, or null. */
  readonly mask: Tensor | Mask | null;
  /** [0, 1]; "auto": the engine chooses; null: no granularity token. */
  readonly granularity: number | "auto" | null;
}
