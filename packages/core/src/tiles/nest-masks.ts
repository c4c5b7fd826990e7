import type { Abortable } from "../abortable.js";
import { granularityStep } from "../fusion/index.js";
import type { PackedMask } from "../mask/index.js";
import { MaskIndex } from "./mask-index.js";

/** Regions of this few pixels have granularity 0. */
const FINEST_AREA = 64;

/**
 * Granularity of a mask of an image that was segmented in tiles: its area on a logarithmic scale, 0 at 64 pixels, 1 at the
 * whole image. One scale for the whole image: what a tile makes of its own largest and smallest regions differs from tile
 * to tile.
 */
export function granularityOfArea(
  area: number,
  { width, height }: { width: number; height: number },
): number {
  const span = Math.log((width * height) / FINEST_AREA);
  return span > 0 ? Math.min(1, Math.max(0, Math.log(area / FINEST_AREA) / span)) : 1;
}

/** What `SceneHierarchy` needs to know of the forest of masks. */
export interface MaskForest {
  /** The mask each one lies in, −1 for a whole, [count]. */
  readonly parent: Int32Array;
  /** Step of granularity from which on it stands for all that lies in it; never falls towards a whole, [count]. */
  readonly level: Uint16Array;
  /** All masks, each one before what lies in it, [count]. */
  readonly order: Int32Array;
}

interface Nestable {
  readonly mask: PackedMask;
  readonly score: number;
  readonly granularity: number;
}

/**
 * The forest that `buildForest` makes, for masks of an image too large to compare all pairs: the parent of a mask is the
 * smallest larger mask that holds at least `containment` of it.
 */
export function nestMasks(masks: readonly Nestable[], containment: number, signal?: Abortable): MaskForest {
  const indices = Int32Array.from(masks.keys());
  // Largest first, as `buildForest` compares: by area, then score, then lower index.
  const order = indices.sort(
    (a, b) => masks[b].mask.area - masks[a].mask.area || masks[b].score - masks[a].score || a - b,
  );
  const parent = new Int32Array(masks.length).fill(-1);
  const level = Uint16Array.from(masks, ({ granularity }) => granularityStep(granularity));
  const larger = new MaskIndex();
  order.forEach((i) => {
    signal?.throwIfAborted();
    const { mask } = masks[i];
    if (mask.area === 0) return;
    const needed = containment * mask.area;
    const candidates = larger.near(mask, needed);
    for (let n = candidates.length - 1; n >= 0 && parent[i] < 0; n--) {
      if (larger.common(mask, candidates[n]) >= needed) parent[i] = order[candidates[n]];
    }
    larger.add(mask);
  });
  for (let n = order.length - 1; n >= 0; n--) {
    const up = parent[order[n]];
    if (up >= 0) level[up] = Math.max(level[up], level[order[n]]);
  }
  return { parent, level, order };
}
