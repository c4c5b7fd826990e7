import { UnSAMError } from "../errors.js";
import { cellCoverage, Mask } from "../mask/index.js";
import type { Prompt } from "../prompt.js";

/** A pixel wholly inside a binary mask becomes this logit, one wholly outside its negative. */
const CERTAIN = 10;

/**
 * A mask prompt as the network takes it: logits [side, side] that cover the whole image.
 * A binary mask of the image's size is averaged over each cell: logit = 2 · CERTAIN · (coverage − ½).
 * Throws `E_BAD_PROMPT` for logits of another shape.
 */
export function maskPromptLogits(mask: Prompt["mask"], side: number): Float32Array | null {
  if (mask === null) return null;
  if (mask instanceof Mask) return cellCoverage(mask, side).map((share) => 2 * CERTAIN * (share - 0.5));
  const [height, width] = mask.shape;
  if (height !== side || width !== side) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The mask prompt has shape [${mask.shape.join(", ")}]; this model takes logits of shape [${side}, ${side}].`,
    );
  }
  return mask.data;
}
