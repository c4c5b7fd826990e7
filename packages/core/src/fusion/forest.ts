import { checkShare } from "./duplicates.js";
import { granularityStep } from "./granularity-steps.js";
import { checkPerMask } from "./mask-stack.js";
import { checkOverlaps, commonPixels, type Overlaps } from "./pairwise.js";

/**
 * Which mask lies in which, from parts to wholes. Plain arrays: it crosses threads and the native boundary as it is.
 */
export interface RegionForest {
  readonly count: number;
  /** The region each one lies in, −1 for a root, [count]. */
  readonly parent: Int32Array;
  /**
   * Granularity step (`granularityStep`) from which on a region stands for all that lies in it: its own granularity, or the
   * highest among its descendants where that is higher; so it never falls towards a root, [count].
   */
  readonly level: Uint16Array;
  /**
   * All regions in painting order: each one before its descendants; of two that lie in the same region, the one
   * with the lower score (then the larger area, then the higher index) with all its descendants first, [count].
   */
  readonly order: Int32Array;
}

/**
 * The containment forest: the parent of a mask is the smallest larger mask that holds at least `containment` (0.8)
 * of its pixels. "Larger" is a total order, by area, then score, then lower index, so that there are neither ties
 * nor cycles. An empty mask is a root without children. `granularities`: 0…1, where each mask was found.
 * Throws `E_BAD_PROMPT`, `E_BAD_OPTION`.
 */
export function buildForest(
  areas: ArrayLike<number>,
  scores: ArrayLike<number>,
  granularities: ArrayLike<number>,
  overlaps: Overlaps,
  containment = 0.8,
): RegionForest {
  const { count } = overlaps;
  checkOverlaps(overlaps);
  checkPerMask("areas", areas, count);
  checkPerMask("scores", scores, count);
  checkPerMask("granularities", granularities, count);
  checkShare("containment", containment);
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  const bySize = indices.slice().sort((a, b) => areas[a] - areas[b] || scores[a] - scores[b] || b - a);
  const parent = new Int32Array(count).fill(-1);
  const level = Uint16Array.from(granularities, granularityStep);
  for (let n = 0; n < count; n++) {
    const i = bySize[n];
    if (areas[i] === 0) continue;
    const needed = containment * areas[i];
    for (let m = n + 1; m < count; m++) {
      const j = bySize[m];
      if (commonPixels(overlaps, i, j) < needed) continue;
      parent[i] = j;
      level[j] = Math.max(level[j], level[i]);
      break;
    }
  }
  const siblings = indices.sort((a, b) => scores[a] - scores[b] || areas[b] - areas[a] || b - a);
  return { count, parent, level, order: depthFirst(parent, siblings) };
}

/** Parents before children; the children of one parent in the order of `siblings`. */
function depthFirst(parent: Int32Array, siblings: Int32Array): Int32Array {
  const count = parent.length;
  // Linked lists of children, built from the back; entry `count` holds the roots.
  const first = new Int32Array(count + 1).fill(-1);
  const next = new Int32Array(count).fill(-1);
  for (let n = count - 1; n >= 0; n--) {
    const i = siblings[n];
    const list = parent[i] < 0 ? count : parent[i];
    next[i] = first[list];
    first[list] = i;
  }
  const order = new Int32Array(count);
  let visited = 0;
  for (let i = first[count]; i >= 0; ) {
    order[visited++] = i;
    if (first[i] >= 0) {
      i = first[i];
      continue;
    }
    while (i >= 0 && next[i] < 0) i = parent[i];
    if (i >= 0) i = next[i];
  }
  return order;
}
