import { UnSAMError } from "../errors.js";
import { removeDuplicates } from "./duplicates.js";
import { buildForest, type RegionForest } from "./forest.js";
import { finestLabels } from "./label-map.js";
import { checkPerMask, type MaskStack, selectMasks } from "./mask-stack.js";
import { type LogitMaps, maskStatistics, type ThresholdOptions } from "./mask-statistics.js";
import { pairwiseOverlaps, selectOverlaps } from "./pairwise.js";

export interface FusionOptions extends ThresholdOptions {
  /** Of two masks with a higher intersection over union, the one with the lower score goes; 0.9 by default. */
  readonly maxIoU?: number;
  /** Share of a mask that its parent must hold; 0.8 by default. */
  readonly containment?: number;
  /** Masks with fewer pixels go; 1 by default, so that only empty ones do. */
  readonly minArea?: number;
}

/** A scene at the resolution of its logits. Row r of everything but `kept` is mask `kept[r]` of the input. */
export interface FusedScene {
  /** The masks that stayed, best score first. */
  readonly kept: Int32Array;
  readonly masks: MaskStack;
  readonly areas: Uint32Array;
  readonly boxes: Int32Array;
  readonly stability: Float64Array;
  readonly forest: RegionForest;
  /** From `finestLabels`; `labelMapAt` and `fuseLabels` make the maps of all granularities from it. */
  readonly finest: Int32Array;
}

/**
 * K logit maps with a score and a granularity each → one scene. A pure function of plain data, for a worker thread.
 * Throws `E_BAD_PROMPT`, `E_BAD_OPTION`.
 */
export function fuseLogits(
  maps: LogitMaps,
  scores: ArrayLike<number>,
  granularities: ArrayLike<number>,
  options: FusionOptions = {},
): FusedScene {
  const { maxIoU = 0.9, containment = 0.8, minArea = 1 } = options;
  checkPerMask("scores", scores, maps.count);
  checkPerMask("granularities", granularities, maps.count);
  if (!(minArea >= 0)) {
    throw new UnSAMError("E_BAD_OPTION", `minArea is ${minArea}; it must be a number of pixels from 0.`);
  }
  const all = maskStatistics(maps, options);
  const large = Int32Array.from(scores, (_, i) => i).filter((i) => all.areas[i] >= minArea);
  const largeOverlaps = pairwiseOverlaps(selectMasks(all.masks, large), pickBoxes(all.boxes, large));
  const stay = removeDuplicates(pick(all.areas, large), pick(scores, large), largeOverlaps, maxIoU);
  const kept = stay.map((i) => large[i]);
  const areas = Uint32Array.from(pick(all.areas, kept));
  const masks = selectMasks(all.masks, kept);
  const forest = buildForest(
    areas,
    pick(scores, kept),
    pick(granularities, kept),
    selectOverlaps(largeOverlaps, stay),
    containment,
  );
  return {
    kept,
    masks,
    areas,
    boxes: pickBoxes(all.boxes, kept),
    stability: pick(all.stability, kept),
    forest,
    finest: finestLabels(masks, forest),
  };
}

function pick(values: ArrayLike<number>, chosen: Int32Array): Float64Array {
  return Float64Array.from(chosen, (i) => values[i]);
}

function pickBoxes(boxes: Int32Array, chosen: Int32Array): Int32Array {
  const picked = new Int32Array(4 * chosen.length);
  chosen.forEach((from, to) => {
    picked.set(boxes.subarray(4 * from, 4 * from + 4), 4 * to);
  });
  return picked;
}
