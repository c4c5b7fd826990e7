import { UnSAMError } from "../errors.js";
import { wordsPerRow } from "../mask/index.js";
import type { RegionForest } from "./forest.js";
import { granularityStep } from "./granularity-steps.js";
import { checkMaskStack, type MaskStack } from "./mask-stack.js";

/**
 * The finest region of each pixel, as region + 1, 0 where no mask is, [height, width].
 *
 * All masks are painted over each other in the order of the forest. So a part covers the whole it lies in, and where
 * two branches overlap, the one with the higher score wins, decided where they part. From here on a region is *the
 * pixels painted by it or its descendants*: regions are nested exactly, though masks are only nearly so.
 * Throws `E_BAD_PROMPT`.
 */
export function finestLabels(masks: MaskStack, forest: RegionForest): Int32Array {
  checkMaskStack(masks);
  if (forest.count !== masks.count || forest.order.length !== masks.count) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The forest has ${forest.count} regions, but there are ${masks.count} masks; they belong together one to one.`,
    );
  }
  const { width, height, words } = masks;
  const stride = wordsPerRow(width);
  const size = stride * height;
  const labels = new Int32Array(width * height);
  // Backwards, so that each pixel is written once: what is covered already stays.
  const free = new Uint32Array(size).fill(0xffffffff);
  for (let n = forest.count - 1; n >= 0; n--) {
    const region = forest.order[n];
    for (let i = 0, word = region * size; i < size; i++, word++) {
      let bits = words[word] & free[i];
      if (bits === 0) continue;
      free[i] &= ~bits;
      const base = Math.floor(i / stride) * width + (i % stride) * 32;
      for (; bits !== 0; bits &= bits - 1) labels[base + 31 - Math.clz32(bits & -bits)] = region + 1;
    }
  }
  return labels;
}

/**
 * Which region owns the pixels of each region at a granularity, as region + 1; entry 0 (no region) is 0,
 * [count + 1]. A region is its own owner until the granularity reaches its parent's level, where the parent takes over:
 * the owner is the finest region around the pixel whose range [0, level of its parent) covers the granularity.
 */
export function ownersAt(forest: RegionForest, granularity: number): Int32Array {
  const step = granularityStep(granularity);
  const { count, parent, level, order } = forest;
  const owners = new Int32Array(count + 1);
  for (let n = 0; n < count; n++) {
    const region = order[n];
    const up = parent[region];
    owners[region + 1] = up >= 0 && level[up] <= step ? owners[up + 1] : region + 1;
  }
  return owners;
}

/**
 * The label map at a granularity, [height, width]: each pixel's owner as region + 1, 0 where no mask is. Of two
 * granularities the coarser map is a union of regions of the finer one. `finest`: from `finestLabels`.
 * Throws `E_BAD_PROMPT`.
 */
export function labelMapAt(finest: Int32Array, forest: RegionForest, granularity: number): Int32Array {
  const owners = ownersAt(forest, granularity);
  const labels = new Int32Array(finest.length);
  for (let i = 0; i < finest.length; i++) labels[i] = owners[finest[i]];
  return labels;
}
