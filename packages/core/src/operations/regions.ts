import type { RgbImage } from "../image/rgb-image.js";
import { mergePatches, type PatchFeatures, type PatchMerges } from "../patch-merge/index.js";
import { type LearnedCues, type RegionHierarchy, regionHierarchy } from "../region-tree/index.js";
import { operation } from "./operation.js";

/** How regions grow, from pixels and from patches. */
export const REGION_OPERATIONS = {
  /**
   * Superpixels of the working image, who touches whom, and the order in which they are joined; by what a network saw, too,
   * where one did.
   */
  buildRegionHierarchy: operation({
    typescript: (image: RgbImage, learned: LearnedCues | null = null): RegionHierarchy =>
      regionHierarchy(image, learned),
    native: ([image, learned = null], threads) => [image, learned, { threads }],
  }),

  /** Patches of a feature map, joined by likeness. */
  mergePatches: operation({
    typescript: (features: PatchFeatures): PatchMerges => mergePatches(features),
    native: ([features], threads) => [features, { threads }],
  }),
};
