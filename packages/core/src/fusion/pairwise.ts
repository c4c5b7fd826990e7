import { UnSAMError } from "../errors.js";
import { popcount, wordsPerRow } from "../mask/index.js";
import { checkCount, checkMaskStack, type MaskStack } from "./mask-stack.js";

/** Pixels that each pair of masks has in common. */
export interface Overlaps {
  readonly count: number;
  /** The rows of the upper triangle behind each other: (0,1), (0,2), … (1,2), …; [count · (count − 1) / 2]. */
  readonly common: Uint32Array;
}

/** Where in `common` the pair (i, j), i < j, is found: at `pairRow(count, i) + j`. */
export function pairRow(count: number, i: number): number {
  return (i * (2 * count - i - 1)) / 2 - i - 1;
}

/** Common pixels of masks i ≠ j. */
export function commonPixels({ count, common }: Overlaps, i: number, j: number): number {
  return i < j ? common[pairRow(count, i) + j] : common[pairRow(count, j) + i];
}

/**
 * Intersections of all pairs: set bits of the words in which both boxes lie. `boxes`: as of `maskStatistics`; boxes
 * of empty masks do not matter. Throws `E_BAD_PROMPT`.
 */
export function pairwiseOverlaps(masks: MaskStack, boxes: Int32Array): Overlaps {
  checkMaskStack(masks);
  checkBoxes(boxes, masks);
  const { count, width, height, words } = masks;
  const stride = wordsPerRow(width);
  const size = stride * height;
  const common = new Uint32Array((count * (count - 1)) / 2);
  let pair = 0;
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++, pair++) {
      const x0 = Math.max(boxes[4 * i], boxes[4 * j]) >> 5;
      const x1 = Math.min(boxes[4 * i + 2], boxes[4 * j + 2]) >> 5;
      const y0 = Math.max(boxes[4 * i + 1], boxes[4 * j + 1]);
      const y1 = Math.min(boxes[4 * i + 3], boxes[4 * j + 3]);
      if (x0 > x1) continue;
      let bits = 0;
      for (let y = y0; y <= y1; y++) {
        let a = i * size + y * stride + x0;
        let b = j * size + y * stride + x0;
        for (let x = x0; x <= x1; x++) bits += popcount(words[a++] & words[b++]);
      }
      common[pair] = bits;
    }
  }
  return { count, common };
}

/** The overlaps among the chosen masks, in the order given. */
export function selectOverlaps(overlaps: Overlaps, chosen: ArrayLike<number>): Overlaps {
  const count = chosen.length;
  const common = new Uint32Array((count * (count - 1)) / 2);
  let pair = 0;
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) common[pair++] = commonPixels(overlaps, chosen[i], chosen[j]);
  }
  return { count, common };
}

/** Throws `E_BAD_PROMPT` where there are not as many counts as pairs. */
export function checkOverlaps({ count, common }: Overlaps): void {
  checkCount(count);
  if (common.length === (count * (count - 1)) / 2) return;
  throw new UnSAMError(
    "E_BAD_PROMPT",
    `${count} masks form ${(count * (count - 1)) / 2} pairs, but there are ${common.length} overlaps.`,
  );
}

function checkBoxes(boxes: Int32Array, { count, width, height }: MaskStack): void {
  if (boxes.length !== 4 * count) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${count} masks take ${4 * count} box corners, not ${boxes.length}.`,
    );
  }
  for (let i = 0; i < boxes.length; i++) {
    if (boxes[i] < 0 || boxes[i] >= (i % 2 === 0 ? width : height)) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `The box of mask ${i >> 2} has the corner coordinate ${boxes[i]} outside ${width}×${height} pixels.`,
      );
    }
  }
}
