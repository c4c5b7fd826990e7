import { clampedLogits } from "../decoder/index.js";
import { UnSAMError } from "../errors.js";
import { Mask } from "../mask/index.js";
import type { Prompt } from "../prompt.js";
import { computeThreads } from "../runtime/index.js";

const compute = computeThreads().bind<typeof import("./mask-prompt.worker.js")>(
  new URL("./mask-prompt.worker.js", import.meta.url),
  "interactive",
);

/**
 * A mask prompt as the network takes it: logits [side, side] that cover the whole image, within ±32.
 * A binary mask of the image's size is averaged over each cell, on a compute thread: that takes tens of milliseconds
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
  return clampedLogits(mask.data);
}

/**
 * Throws `E_BAD_PROMPT` for a mask prompt that does not cover the image as a region tree's own answers do: logits of
 * [`side`, `side`], or of the image's own size.
 */
export function checkTreeMask(
  mask: Prompt["mask"],
  side: number,
  image: { readonly width: number; readonly height: number },
): void {
  if (mask === null || mask instanceof Mask) return;
  const [height, width] = mask.shape;
  if (height === side && width === side) return;
  if (height === image.height && width === image.width) return;
  throw new UnSAMError(
    "E_BAD_PROMPT",
    `The mask prompt has shape [${mask.shape.join(", ")}]; this model takes logits of shape [${side}, ${side}], or of the image's [${image.height}, ${image.width}].`,
  );
}
