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
  const tokens = (index: number) => prompts[index].labels.length + 8;
  // Of a prompt: a dozen maps as large as the image tokens (half of them upscaled), and the attention scores.
  const bytes = (longest: number) => 4 * (side ** 2 * (12 * width + 4 * 8 * longest) + 2 * 8 * longest ** 2);
  const groups: number[][] = [];
  for (const masked of [false, true]) {
    const members = [...prompts.keys()]
      .filter((index) => (prompts[index].maskLogits !== null) === masked)
      .sort((a, b) => tokens(b) - tokens(a));
    let longest = 0;
    let room = 0;
    for (const index of members) {
      if (room === 0 || 2 * tokens(index) < longest) {
        longest = tokens(index);
        room = Math.max(1, Math.floor(MEMORY / bytes(longest)));
        groups.push([]);
      }
      groups.at(-1)!.push(index);
      room--;
    }
  }
  return groups;
}
