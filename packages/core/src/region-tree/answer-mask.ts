import { Mask } from "../mask/index.js";
import { NearerClicks } from "./nearer-clicks.js";
import type { TreeAnswer } from "./segment.js";
import type { RegionTree } from "./tree.js";

/** The answer as a mask at the size of the original image. */
export function treeMask(tree: RegionTree, answer: TreeAnswer): Mask {
  const { width, height, leafMap } = tree;
  const stride = Math.ceil(width / 32);
  const words = new Uint32Array(stride * height);
  // 2 marks the leaves whose pixels go to the nearer click.
  const leaves = answer.leaves.slice();
  for (const leaf of answer.contested) if (leaves[leaf] === 1) leaves[leaf] = 2;
  const nearer = new NearerClicks(answer.clicks, width);
  for (let y = 0; y < height; y++) {
    let belongs: ((x: number) => boolean) | null = null;
    for (let x = 0; x < width; x++) {
      const state = leaves[leafMap[y * width + x]];
      if (state === 0) continue;
      if (state === 2) {
        belongs ??= nearer.row(y);
        if (!belongs(x)) continue;
      }
      words[y * stride + (x >> 5)] |= 1 << (x & 31);
    }
  }
  return new Mask(width, height, words);
}
