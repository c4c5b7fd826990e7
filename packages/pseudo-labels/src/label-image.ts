import type { RgbImage } from "@unsam/core/image";
import type { PatchFeatures, PatchMerges } from "@unsam/core/patch-merge";
import type { RegionTree, RegionTreeOptions } from "@unsam/core/region-tree";
import { patchesAround, patchMap } from "./conquer/backbone-patches.js";
import { appearanceOf, colourPatches } from "./conquer/colour-patches.js";
import { partsOf } from "./conquer/parts.js";
import { instancesOfCuts } from "./divide/instances-of-cuts.js";
import { instancesOfTrees } from "./divide/tree.js";
import { type Candidate, duplicates, familyOf, type Instance, LEAST_INSIDE, type Member } from "./family.js";

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

/** What a trained network gives for an image, with masks unpacked. */
export interface UnpackedOutput {
  /** Image embedding, [channels, rows, columns], stretched over the image. */
  readonly embedding: { readonly data: Float32Array; readonly shape: readonly number[] };
  /** The network's own masks of the whole image; null: instances come from cuts of the embedding. */
  readonly masks: readonly Candidate[] | null;
}

/** Patches a side for cuts: all pairs of them are compared. */
const CUT_PATCHES = 32;

/**
 * The families of one image by what a network gives: its masks, or cuts of its embedding, as instances (divide), and
 * merged patches of the embedding inside each as parts (conquer). A mask that lies in a larger one by 90 % is a part
 * of it. Largest instance first. Deterministic.
 */
export async function labelByNetwork(
  image: RgbImage,
  { embedding, masks }: UnpackedOutput,
  kernels: Pick<LabelKernels, "mergePatches">,
): Promise<Member[][]> {
  const minArea = leastArea(image);
  const candidates = masks ?? instancesOfCuts(image, patchMap(embedding, CUT_PATCHES));
  const map = patchMap(embedding);
  const families: Member[][] = [];
  for (const instance of nested(candidates.filter(({ mask }) => mask.area >= minArea))) {
    const patches = patchesAround(map, instance.mask, image);
    const merged = await partsOf(image, instance.mask, patches, kernels.mergePatches, minArea);
    families.push(familyOf(withParts(instance, merged), minArea));
  }
  return families;
}

/** Candidates that lie in no larger one, largest first, with the others as parts of the smallest that holds them. */
function nested(candidates: readonly Candidate[]): Instance[] {
  const sorted = candidates
    .map((candidate, index) => ({ candidate, index }))
    .sort((a, b) => b.candidate.mask.area - a.candidate.mask.area || a.index - b.index);
  const instances: { top: Candidate; parts: Candidate[] }[] = [];
  for (const { candidate } of sorted) {
    const { mask } = candidate;
    if (instances.some(({ top }) => duplicates(top.mask, mask))) continue;
    const homes = instances.filter(({ top }) => top.mask.intersection(mask) >= LEAST_INSIDE * mask.area);
    if (homes.length === 0) instances.push({ top: candidate, parts: [] });
    else homes[homes.length - 1].parts.push(candidate);
  }
  return instances.map(({ top, parts }) => ({ ...top, parts }));
}
