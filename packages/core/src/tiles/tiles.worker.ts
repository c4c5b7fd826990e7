import { UnSAMError } from "../errors.js";
import { type AddonAt, returnFreeMemory } from "../operations/index.js";
import { callersAbort } from "../runtime/callers-abort.js";
import { keep } from "../runtime/keep.js";
import { move } from "../runtime/move.js";
import type { Size } from "./tile-grid.js";
import type { TileMask } from "./tile-mask.js";
import { type LevelCounts, type MergeSettings, TileMerger } from "./tile-merger.js";

// Worker side of a run over the tiles of an image.

/** More masks than anybody looks at; packed, they take some hundred megabytes. */
const MOST_MASKS = 262_144;

export function open(size: Size, settings: MergeSettings) {
  return keep(new TileMerger(size, settings), { gone: "This run over the tiles of an image has ended." });
}

/** Takes what a tile holds; returns how many masks are held. Throws `E_BAD_IMAGE` where there are too many. */
export function add(
  merger: TileMerger,
  level: number,
  tile: number,
  masks: readonly TileMask[],
  addon: AddonAt | null,
): number {
  merger.add(level, tile, masks);
  returnFreeMemory(addon);
  if (merger.held <= MOST_MASKS) return merger.held;
  throw new UnSAMError(
    "E_BAD_IMAGE",
    `The tiles of the image hold more than ${MOST_MASKS} masks; raise minRegionArea or the size of the tiles.`,
  );
}

export function endLevel(merger: TileMerger, level: number): LevelCounts {
  return merger.endLevel(level, callersAbort);
}

/** Hands the masks over; the run is of no use afterwards. */
export function finish(merger: TileMerger) {
  const result = merger.result(callersAbort);
  const { parent, level, order } = result.forest;
  return move(result, ...result.masks.map(({ mask }) => mask.data), parent, level, order);
}
