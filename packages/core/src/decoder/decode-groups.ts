import { UnSAMError } from "../errors.js";
import { MOST_POINTS } from "../prompt.js";
import type { NetworkPrompt } from "./mask-decoder.js";

/** Prompts are decoded in groups whose intermediate tensors stay within this many bytes. */
const MEMORY = 256 * 2 ** 20;

/** Points, the corners of a box, the padding point. */
const MOST_LABELS = MOST_POINTS + 3;

/**
 * Indices of prompts that ONNX Runtime decodes in one call: with and without a mask apart, of similar length (the shorter ones
 * are filled up), as many as the memory allows. `width`: channels of the image embedding; `side`: of the embedding, in
 * cells. Throws `E_BAD_PROMPT` where a prompt has too many points.
 */
export function decodeGroups(
  prompts: readonly NetworkPrompt[],
  { width, side }: { readonly width: number; readonly side: number },
): number[][] {
  prompts.forEach(({ labels }, index) => {
    if (labels.length <= MOST_LABELS) return;
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `Prompt ${index} has ${labels.length} labels; it may have ${MOST_LABELS}: ${MOST_POINTS} points, the corners of a ` +
        "box and the padding point.",
    );
  });
  const length = (index: number) => prompts[index].labels.length;
  const groups: number[][] = [];
  for (const masked of [false, true]) {
    const members = [...prompts.keys()]
      .filter((index) => (prompts[index].maskLogits !== null) === masked)
      .sort((a, b) => length(b) - length(a));
    let longest = 0;
    let room = 0;
    for (const index of members) {
      if (room === 0 || 2 * tokensOf(length(index)) < longest) {
        longest = tokensOf(length(index));
        room = promptsAtOnce(length(index), { width, side });
        groups.push([]);
      }
      groups.at(-1)!.push(index);
      room--;
    }
  }
  return groups;
}

/** Tokens of a prompt of so many labels: with them the mask tokens, the IoU, the object score and the granularity. */
const tokensOf = (labels: number) => labels + 8;

/** How many prompts of so many labels are decoded in one call. */
export function promptsAtOnce(
  labels: number,
  { width, side }: { readonly width: number; readonly side: number },
): number {
  const tokens = tokensOf(labels);
  // Of a prompt: a dozen maps as large as the image tokens (half of them upscaled), and the attention scores.
  const bytes = 4 * (side ** 2 * (12 * width + 4 * 8 * tokens) + 2 * 8 * tokens ** 2);
  return Math.max(1, Math.floor(MEMORY / bytes));
}
