import { UnSAMError } from "../errors.js";
import { Mask } from "../mask/index.js";
import type { Prompt } from "../prompt.js";
import { computeThread } from "../runtime/index.js";

const compute = computeThread().bind<typeof import("./mask-prompt.worker.js")>(
  new URL("./mask-prompt.worker.js", import.meta.url),
);

/**
 * A mask prompt as the network takes it: logits [side, side] that cover the whole image.
 * A binary mask of the image's size is averaged over each cell, on the compute thread: that takes tens of milliseconds
 * for a large photo. Rejects with `E_BAD_PROMPT` for logits of another shape, or with the signal's reason.
 */
export async function maskPromptLogits(
  mask: Prompt["mask"],
  side: number,
  signal?: AbortSignal,
): Promise<Float32Array | null> {
  if (mask === null) return null;
  if (mask instanceof Mask) {
    const { width, height, words } = mask;
    return compute("coverageLogits", [{ width, height, words }, side], { signal });
  }
  const [height, width] = mask.shape;
  if (height !== side || width !== side) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The mask prompt has shape [${mask.shape.join(", ")}]; this model takes logits of shape [${side}, ${side}].`,
    );
  }
  return mask.data;
}
