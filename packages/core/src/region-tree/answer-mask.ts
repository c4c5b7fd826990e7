import { Mask } from "../mask/index.js";
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
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const state = leaves[leafMap[y * width + x]];
      if (state === 0 || (state === 2 && !nearerToPositive(answer, x, y))) continue;
      words[y * stride + (x >> 5)] |= 1 << (x & 31);
    }
  }
  return new Mask(width, height, words);
}

/** Whether the click nearest to the centre of pixel (x, y) is a positive one; negative clicks win ties. */
function nearerToPositive(answer: TreeAnswer, x: number, y: number): boolean {
  let nearest = Number.POSITIVE_INFINITY;
  let positive = false;
  for (const click of answer.clicks) {
    const dx = Math.floor(click.x) - x;
    const dy = Math.floor(click.y) - y;
    const distance = dx * dx + dy * dy;
    if (distance < nearest || (distance === nearest && click.label === 0)) {
      nearest = distance;
      positive = click.label === 1;
    }
  }
  return positive;
}
