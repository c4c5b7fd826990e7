import type { RgbImage } from "@unsam/core/image";
import type { PatchFeatures, PatchMerges } from "@unsam/core/patch-merge";
import type { RegionTree, RegionTreeOptions } from "@unsam/core/region-tree";
import { appearanceOf, colourPatches } from "./conquer/colour-patches.js";
import { partsOf } from "./conquer/parts.js";
import { instancesOfTrees } from "./divide/tree.js";
import { familyOf, type Instance, type Member } from "./family.js";

/** Smallest label, as a share of the image, and in pixels. */
const LEAST_SHARE = 0.0003;
const LEAST_PIXELS = 16;

/** One tree as the product grows it, and two on ever smaller images. */
const TREES: readonly RegionTreeOptions[] = [{}, { longestSide: 256 }, { longestSide: 160 }];

export function leastArea({ width, height }: { width: number; height: number }): number {
  return Math.max(LEAST_PIXELS, Math.round(LEAST_SHARE * width * height));
}

/** The kernels a labelling needs, native or not. */
export interface LabelKernels {
  readonly growTree: (image: RgbImage, options: RegionTreeOptions) => Promise<RegionTree>;
  readonly mergePatches: (features: PatchFeatures) => Promise<PatchMerges>;
}

/**
 * The families of one image, without a trained network: instances and parts from its region trees (divide), and parts
 * from merging patches of colour and texture inside each instance (conquer). Largest instance first. Deterministic.
 */
export async function labelByTree(image: RgbImage, kernels: LabelKernels): Promise<Member[][]> {
  const minArea = leastArea(image);
  const trees: RegionTree[] = [];
  for (const options of TREES) trees.push(await kernels.growTree(image, options));
  const appearance = appearanceOf(image);
  const families: Member[][] = [];
  for (const instance of instancesOfTrees(trees, minArea)) {
    const patches = colourPatches(appearance, instance.mask);
    const merged = await partsOf(image, instance.mask, patches, kernels.mergePatches, minArea);
    families.push(familyOf(withParts(instance, merged), minArea));
  }
  return families.sort((a, b) => b[0].mask.area - a[0].mask.area);
}

function withParts(instance: Instance, more: Instance["parts"]): Instance {
  return { ...instance, parts: [...instance.parts, ...more] };
}
