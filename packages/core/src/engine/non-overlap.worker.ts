import { move } from "../runtime/move.js";
import { masksWithoutOverlap } from "../video/without-overlap.js";

/** Compute thread: low-resolution logits of several objects to bit-packed masks that share no pixel. */
export function nonOverlapping(
  maps: readonly Float32Array[],
  side: number,
  size: { width: number; height: number },
) {
  const masks = masksWithoutOverlap(maps, side, size);
  return move(masks, ...masks);
}
