import {
  buildForest,
  type FusedMap,
  fuseLabels,
  type MaskStack,
  type Overlaps,
  pairwiseOverlaps,
  type RegionForest,
  removeDuplicates,
  suppressBoxes,
} from "../fusion/index.js";
import { operation } from "./operation.js";

/** The steps from many masks to a forest and its label maps. */
export const FUSION_OPERATIONS = {
  /** Pixels that each pair of masks has in common. */
  pairwiseOverlaps: operation({
    typescript: (masks: MaskStack, boxes: Int32Array): Overlaps => pairwiseOverlaps(masks, boxes),
    native: ([masks, boxes], threads) => [masks, boxes, { threads }],
  }),

  /** Which masks stay, best score first, where two with a higher IoU than `maxIoU` are one. */
  removeDuplicates: operation({
    typescript: (areas: Uint32Array, scores: Float64Array, overlaps: Overlaps, maxIoU: number): Int32Array =>
      removeDuplicates(areas, scores, overlaps, maxIoU),
    native: ([areas, scores, overlaps, maxIoU]) => [areas, scores, overlaps, { maxIoU }],
  }),

  /** The official generator's suppression by boxes. */
  suppressBoxes: operation({
    typescript: (boxes: Float64Array, scores: Float64Array, maxIoU: number): Int32Array =>
      suppressBoxes(boxes, scores, maxIoU),
    native: ([boxes, scores, maxIoU]) => [boxes, scores, { maxIoU }],
  }),

  /** Which mask is part of which. */
  buildForest: operation({
    typescript: (
      areas: Uint32Array,
      scores: Float64Array,
      granularities: Float64Array,
      overlaps: Overlaps,
      containment: number,
    ): RegionForest => buildForest(areas, scores, granularities, overlaps, containment),
    native: ([areas, scores, granularities, overlaps, containment]) => [
      areas,
      scores,
      granularities,
      overlaps,
      { containment },
    ],
  }),

  /** The label maps of all granularities in one map of contours. */
  fuseLabels: operation({
    typescript: (finest: Int32Array, forest: RegionForest, width: number, height: number): FusedMap =>
      fuseLabels(finest, forest, width, height),
    native: ([finest, forest, width, height], threads) => [finest, forest, { width, height }, { threads }],
  }),
};
