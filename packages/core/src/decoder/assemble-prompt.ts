import { UnSAMError } from "../errors.js";
import type { NetworkPrompt } from "./mask-decoder.js";

/** What the network needs to know of a prompt, in pixels of the original image. */
export interface ImagePrompt {
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: 1 | 0 | -1 }[];
  /** x0, y0, x1, y1 */
  readonly box: readonly [number, number, number, number] | null;
  /** Mask prompt: logits [S / 4, S / 4], or null. */
  readonly maskLogits: Float32Array | null;
  readonly granularity: number | null;
}

/**
 * Prompt tokens in the order of the official predictor: box corners (labels 2 and 3), then clicks, then one padding
 * point (−1), which is there whenever there is a box or a click. Coordinates are scaled to the S × S frame.
 */
export function assemblePrompt(
  prompt: ImagePrompt,
  image: { readonly width: number; readonly height: number },
  imageSize: number,
): NetworkPrompt {
  const tokens: [x: number, y: number, label: number][] = [];
  if (prompt.box) {
    const [x0, y0, x1, y1] = prompt.box;
    tokens.push([x0, y0, 2], [x1, y1, 3]);
  }
  for (const { x, y, label } of prompt.points) tokens.push([x, y, label]);
  if (tokens.length === 0 && !prompt.maskLogits) {
    throw new UnSAMError("E_BAD_PROMPT", "The prompt is empty: give at least one point, a box or a mask.");
  }
  const coords = new Float32Array(2 * (tokens.length + (tokens.length > 0 ? 1 : 0)));
  const labels = new Int32Array(coords.length / 2).fill(-1);
  tokens.forEach(([x, y, label], index) => {
    coords[2 * index] = (x / image.width) * imageSize;
    coords[2 * index + 1] = (y / image.height) * imageSize;
    labels[index] = label;
  });
  return { coords, labels, granularity: prompt.granularity, maskLogits: prompt.maskLogits };
}
