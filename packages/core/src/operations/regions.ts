import type { RgbImage } from "../image/rgb-image.js";
import { mergePatches, type PatchFeatures, type PatchMerges } from "../patch-merge/index.js";
import { type RegionHierarchy, regionHierarchy } from "../region-tree/index.js";
import { operation } from "./operation.js";

/** How regions grow, from pixels and from patches. */
export const REGION_OPERATIONS = {
  /** Superpixels of the working image, who touches whom, and the order in which they are joined. */
  buildRegionHierarchy: operation({
    typescript: (image: RgbImage): RegionHierarchy => regionHierarchy(image),
    native: ([image], threads) => [image, { threads }],
  }),

  /** Patches of a feature map, joined by likeness. */
  mergePatches: operation({
    typescript: (features: PatchFeatures): PatchMerges => mergePatches(features),
    native: ([features], threads) => [features, { threads }],
  }),
};
