import { UnSAMError } from "../errors.js";
import { Mask } from "../mask/index.js";
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
  if (mask instanceof Mask) return coverageLogits(mask, side);
  const [height, width] = mask.shape;
  if (height !== side || width !== side) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The mask prompt has shape [${mask.shape.join(", ")}]; this model takes logits of shape [${side}, ${side}].`,
    );
  }
  return mask.data;
}

function coverageLogits(mask: Mask, side: number): Float32Array {
  const across = cells(mask.width, side);
  const down = cells(mask.height, side);
  const covered = new Float64Array(side * side);
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      if (!mask.has(x, y)) continue;
      for (const [row, high] of down[y]) {
        for (const [column, wide] of across[x]) covered[row * side + column] += high * wide;
      }
    }
  }
  const cellArea = (mask.width / side) * (mask.height / side);
  return Float32Array.from(covered, (area) => 2 * CERTAIN * (area / cellArea - 0.5));
}

/** For each of `length` pixels: the cells of a grid of `side` it overlaps, with the overlap in pixels. */
function cells(length: number, side: number): [cell: number, overlap: number][][] {
  const cell = length / side;
  return Array.from({ length }, (_, pixel) => {
    const overlaps: [number, number][] = [];
    for (let i = Math.floor(pixel / cell); i < side && i * cell < pixel + 1; i++) {
      const overlap = Math.min(pixel + 1, (i + 1) * cell) - Math.max(pixel, i * cell);
      if (overlap > 0) overlaps.push([i, overlap]);
    }
    return overlaps;
  });
}
