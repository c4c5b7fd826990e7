import type { NetworkPrompt } from "./mask-decoder.js";

/** Prompts are decoded in groups whose intermediate tensors stay within this many bytes. */
const MEMORY = 256 * 2 ** 20;

/**
 * Indices of prompts that ONNX Runtime decodes in one call: with and without a mask apart, as many as the memory allows.
 * `width`: channels of the image embedding; `side`: of the embedding, in cells.
 */
export function decodeGroups(
  prompts: readonly NetworkPrompt[],
  { width, side }: { readonly width: number; readonly side: number },
): number[][] {
  const groups: number[][] = [];
  for (const masked of [false, true]) {
    const members = prompts.flatMap((prompt, index) =>
      (prompt.maskLogits !== null) === masked ? [index] : [],
    );
    // Per prompt: a dozen maps as large as the image tokens (half of them upscaled), and the attention scores.
    const longest = Math.max(0, ...members.map((index) => prompts[index].labels.length)) + 8;
    const bytes = 4 * side ** 2 * (12 * width + 4 * 8 * longest);
    const size = Math.max(1, Math.floor(MEMORY / bytes));
    for (let start = 0; start < members.length; start += size)
      groups.push(members.slice(start, start + size));
  }
  return groups;
}
