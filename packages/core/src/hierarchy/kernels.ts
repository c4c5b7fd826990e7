import { type NativeBinding, openAddon } from "@unsam/native-cuda";
import { removeDuplicates } from "./duplicates.js";
import { buildForest, type RegionForest } from "./forest.js";
import { type FusedMap, fuseLabels } from "./fused-map.js";
import type { MaskStack } from "./mask-stack.js";
import { type LogitMaps, type MaskStatistics, maskStatistics } from "./mask-statistics.js";
import { type Overlaps, pairwiseOverlaps } from "./pairwise.js";

/**
 * The steps of fusion that the addon can do. Where it is missing their TypeScript twins answer, bit for bit alike, so
 * that callers need not know. For worker threads: the twins block the thread they run on.
 */
export interface FusionKernels {
  /** With threshold 0 and stability at ±1. */
  maskStatistics(maps: LogitMaps): Promise<MaskStatistics>;
  pairwiseOverlaps(masks: MaskStack, boxes: Int32Array): Promise<Overlaps>;
  removeDuplicates(
    areas: Uint32Array,
    scores: Float64Array,
    overlaps: Overlaps,
    maxIoU: number,
  ): Promise<Int32Array>;
  buildForest(
    areas: Uint32Array,
    scores: Float64Array,
    granularities: Float64Array,
    overlaps: Overlaps,
    containment: number,
  ): Promise<RegionForest>;
  fuseLabels(finest: Int32Array, forest: RegionForest, width: number, height: number): Promise<FusedMap>;
}

/** The twins. */
export const plainKernels: FusionKernels = {
  maskStatistics: async (maps) => maskStatistics(maps),
  pairwiseOverlaps: async (...args) => pairwiseOverlaps(...args),
  removeDuplicates: async (...args) => removeDuplicates(...args),
  buildForest: async (...args) => buildForest(...args),
  fuseLabels: async (...args) => fuseLabels(...args),
};

/** The addon, as another thread opens it. Plain data. */
export interface AddonAt {
  readonly addon: string;
  readonly threads: number;
}

/** The addon's kernels; null: the twins. */
export function kernelsOf(at: AddonAt | null): FusionKernels {
  return at ? nativeKernels(openAddon(at.addon), at.threads) : plainKernels;
}

export function nativeKernels(binding: NativeBinding, threads: number): FusionKernels {
  const work = { threads };
  return {
    maskStatistics: (maps) => binding.maskStatistics(maps, { threshold: 0, stabilityOffset: 1, ...work }),
    pairwiseOverlaps: (masks, boxes) => binding.pairwiseOverlaps(masks, boxes, work),
    removeDuplicates: (areas, scores, overlaps, maxIoU) =>
      binding.removeDuplicates(areas, scores, overlaps, { maxIoU }),
    buildForest: (areas, scores, granularities, overlaps, containment) =>
      binding.buildForest(areas, scores, granularities, overlaps, { containment }),
    fuseLabels: (finest, forest, width, height) =>
      binding.fuseLabels(finest, forest, { width, height }, work),
  };
}
