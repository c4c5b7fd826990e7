import { UnSAMError } from "../../errors.js";
import { Mask } from "../../mask/index.js";
import type { Tensor } from "../../tensor.js";
import type { RegionTree } from "../tree.js";

/**
 * Pixels of each leaf that a mask prompt covers, [leafCount]. A mask of any size, or logits [h, w] (covered where
 * above 0, bilinear between their centres), is stretched over the image.
 */
export function maskCoverage(
  tree: RegionTree,
  prompt: Tensor | Mask,
): { inside: Float64Array; total: number } {
  const inside = new Float64Array(tree.leafCount);
  const total = isMask(prompt) ? coverByMask(tree, prompt, inside) : coverByLogits(tree, prompt, inside);
  return { inside, total };
}

// A mask that crossed a thread has lost its class, not its fields.
function isMask(prompt: Tensor | Mask): prompt is Mask {
  return prompt instanceof Mask || "words" in prompt;
}

function coverByMask(tree: RegionTree, mask: Mask, inside: Float64Array): number {
  const stride = Math.ceil(mask.width / 32);
  const column = Int32Array.from({ length: tree.width }, (_, x) =>
    Math.floor(((x + 0.5) * mask.width) / tree.width),
  );
  let total = 0;
  for (let y = 0; y < tree.height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / tree.height) * stride;
    for (let x = 0; x < tree.width; x++) {
      if (((mask.words[row + (column[x] >> 5)] >>> (column[x] & 31)) & 1) === 0) continue;
      inside[tree.leafMap[y * tree.width + x]]++;
      total++;
    }
  }
  return total;
}

function coverByLogits(tree: RegionTree, logits: Tensor, inside: Float64Array): number {
  const [height, width] = logits.shape.slice(-2);
  if (!(width > 0 && height > 0) || logits.data.length !== width * height) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The mask prompt has shape (${logits.shape.join(", ")}); logits of one mask, [h, w], are needed.`,
    );
  }
  const columns = bilinear(width, tree.width);
  const rows = bilinear(height, tree.height);
  let total = 0;
  for (let y = 0; y < tree.height; y++) {
    const top = rows.low[y] * width;
    const bottom = rows.high[y] * width;
    const fy = rows.share[y];
    for (let x = 0; x < tree.width; x++) {
      const left = columns.low[x];
      const right = columns.high[x];
      const fx = columns.share[x];
      const upper = logits.data[top + left] * (1 - fx) + logits.data[top + right] * fx;
      const lower = logits.data[bottom + left] * (1 - fx) + logits.data[bottom + right] * fx;
      if (!(upper * (1 - fy) + lower * fy > 0)) continue;
      inside[tree.leafMap[y * tree.width + x]]++;
      total++;
    }
  }
  return total;
}

/** Neighbours and weight of the upper one for each of `to` positions over `from` samples. */
function bilinear(from: number, to: number) {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const share = new Float64Array(to);
  for (let t = 0; t < to; t++) {
    const at = Math.min(from - 1, Math.max(0, ((t + 0.5) * from) / to - 0.5));
    low[t] = Math.floor(at);
    high[t] = Math.min(from - 1, low[t] + 1);
    share[t] = at - low[t];
  }
  return { low, high, share };
}
