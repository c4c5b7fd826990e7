import { lowestBit } from "./bits.js";

/**
 * The nested family nearest to masks of one prompt, ordered from fine to coarse: every mask lies in the next one, and
 * the number of pixels changed in all is the least possible. Each pixel is decided by itself: it must be in from some
 * level on, and the level is taken that contradicts the fewest masks (of equals the finest, so that a part's pixel
 * joins the whole rather than being cut off). Masks that are nested already come back as they are.
 *
 * @param masks words in the layout of `Mask`, all of one size; they are only read
 */
export function nestMasks(masks: readonly Uint32Array[]): Uint32Array[] {
  const nested = masks.map((words) => words.slice());
  const length = masks[0]?.length ?? 0;
  for (let at = 0; at < length; at++) {
    let seen = 0;
    let broken = 0;
    for (const words of masks) {
      broken |= seen & ~words[at];
      seen |= words[at];
    }
    while (broken !== 0) {
      const bit = broken & -broken;
      broken &= ~bit;
      const from = bestStart(masks, at, lowestBit(bit));
      nested.forEach((words, i) => {
        if (i < from) words[at] &= ~bit;
        else words[at] |= bit;
      });
    }
  }
  return nested;
}

/** The mask from which on a pixel had best be in: the fewest of the masks before hold it and of those behind lack it. */
function bestStart(masks: readonly Uint32Array[], at: number, bit: number): number {
  let best = 0;
  let change = 0;
  let least = 0;
  for (let from = 1; from <= masks.length; from++) {
    // Counted from what it costs to be in from the first mask on.
    change += (masks[from - 1][at] >>> bit) & 1 ? 1 : -1;
    if (change < least) [best, least] = [from, change];
  }
  return best;
}
