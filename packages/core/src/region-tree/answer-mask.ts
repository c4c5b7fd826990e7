import { Mask } from "../mask/index.js";
import { NearerClicks } from "./nearer-clicks.js";
import type { TreeAnswer } from "./segment.js";
import type { RegionTree } from "./tree.js";

/** The answer as a mask at the size of the original image. Looks at the pixels of the answer's bounding box alone. */
export function treeMask(tree: RegionTree, answer: TreeAnswer): Mask {
  const { width, height, leafMap } = tree;
  const stride = Math.ceil(width / 32);
  const words = new Uint32Array(stride * height);
  const [x0, y0, x1, y1] = boxOfLeaves(tree, answer.leaves);
  // 2 marks the leaves whose pixels go to the nearer click.
  const leaves = answer.leaves.slice();
  for (const leaf of answer.contested) if (leaves[leaf] === 1) leaves[leaf] = 2;
  const nearer = new NearerClicks(answer.clicks, width);
  for (let y = y0; y < y1; y++) {
    const row = y * width;
    let belongs: ((x: number) => boolean) | null = null;
    for (let word = x0 >> 5; 32 * word < x1; word++) {
      const end = Math.min(x1, 32 * word + 32);
      let bits = 0;
      for (let x = Math.max(x0, 32 * word); x < end; x++) {
        const state = leaves[leafMap[row + x]];
        if (state === 0) continue;
        if (state === 2) {
          belongs ??= nearer.row(y);
          if (!belongs(x)) continue;
        }
        bits |= 1 << (x & 31);
      }
      words[y * stride + word] = bits;
    }
  }
  return new Mask(width, height, words);
}

/** x0, y0, x1, y1 of the pixels of all marked leaves, the last two exclusive; an empty box where none is marked. */
function boxOfLeaves({ width, height, leafCount, boxes }: RegionTree, leaves: Uint8Array) {
  const box: [number, number, number, number] = [width, height, 0, 0];
  for (let leaf = 0; leaf < leafCount; leaf++) {
    if (leaves[leaf] === 0) continue;
    box[0] = Math.min(box[0], boxes[4 * leaf]);
    box[1] = Math.min(box[1], boxes[4 * leaf + 1]);
    box[2] = Math.max(box[2], boxes[4 * leaf + 2]);
    box[3] = Math.max(box[3], boxes[4 * leaf + 3]);
  }
  return box;
}
