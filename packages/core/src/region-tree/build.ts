import type { RgbImage } from "../image/index.js";
import { type BoundaryStrength, boundaryStrength } from "./boundary-strength.js";
import { type Channels, channelsOf } from "./channels.js";
import { type LabPlanes, labPlanes } from "./lab.js";
import { carryToFullResolution } from "./leaf-map.js";
import { type LearnedCues, regionMetric, withLearnedBorders } from "./learned-cues.js";
import { type Merges, mergeFeatures, mergeRegions, strengthOfMerges } from "./merging.js";
import { type RegionGraph, regionFeatures, regionGraph } from "./region-graph.js";
import { affinityGraph, normalisedCut } from "./spectral-cue.js";
import { type Superpixels, superpixels } from "./superpixels.js";
import { toneMapped } from "./tone.js";
import { type RegionTree, treeFromMerges } from "./tree.js";
import { workingImage } from "./working-image.js";

export interface RegionTreeOptions {
  /**
   * Longest side in pixels of the image the tree is built on; larger photos are shrunk to it. Default 640.
   * Photos below 512 pixels are enlarged, at most twice, at most to 512.
   */
  readonly longestSide?: number;
}

/**
 * Photo → hierarchy of regions, without learned weights: boundary strength, superpixels, a spectral cue, merging.
 * A pure function of its arguments, deterministic; it blocks its thread for some hundred milliseconds, so call it in
 * a worker. Throws `E_BAD_OPTION`.
 */
export function buildRegionTree(image: RgbImage, options: RegionTreeOptions = {}): RegionTree {
  const working = workingImage(image, options);
  return finishTree(regionHierarchy(working), working, image);
}

/** `buildRegionTree` with the steps on the working image done elsewhere: by the native kernels. */
export async function buildRegionTreeWith(
  hierarchyOf: (working: RgbImage) => Promise<RegionHierarchy>,
  image: RgbImage,
  options: RegionTreeOptions = {},
): Promise<RegionTree> {
  const working = workingImage(image, options);
  return finishTree(await hierarchyOf(working), working, image);
}

function finishTree(hierarchy: RegionHierarchy, working: RgbImage, image: RgbImage): RegionTree {
  const { superpixels, graph, merges } = hierarchy;
  const full = carryToFullResolution(superpixels, working, image);
  return treeFromMerges(merges, graph, full, image.width, image.height);
}

/** What the working image alone decides. */
export interface RegionHierarchy {
  readonly superpixels: Superpixels;
  readonly graph: RegionGraph;
  readonly merges: Merges;
}

/**
 * The steps on the working image: what the native kernels compute in one call, bit for bit. With `learned` cues
 * what a network saw counts beside the tree's own cues.
 */
export function regionHierarchy(working: RgbImage, learned: LearnedCues | null = null): RegionHierarchy {
  const { width, height } = working;
  const lab = toneMapped(labPlanes(working));
  const channels = channelsOf(lab, width, height);
  const seen = boundaryStrength(lab, channels, width, height);
  if (learned) return learnedHierarchy(working, lab, channels, seen, learned);
  const regions = superpixels(seen.relief, width, height);
  const graph = regionGraph(regions, seen.strength, width, height);
  const features = regionFeatures(regions, channels, lab);
  const cue = normalisedCut(affinityGraph(graph, features));
  const merges = mergeRegions(graph, mergeFeatures(graph, features, cue));
  return { superpixels: regions, graph, merges };
}

function learnedHierarchy(
  { width, height }: RgbImage,
  lab: LabPlanes,
  channels: Channels,
  seen: BoundaryStrength,
  learned: LearnedCues,
): RegionHierarchy {
  const boundary = withLearnedBorders(seen, learned, width, height);
  const regions = superpixels(boundary.relief, width, height);
  const graph = regionGraph(regions, boundary.strength, width, height);
  const features = regionFeatures(regions, channels, lab);
  const cue = normalisedCut(affinityGraph(graph, features));
  const metric = regionMetric(regions, learned, width);
  const merges = mergeRegions(graph, mergeFeatures(graph, features, cue, metric));
  // What merging goes by and what an outline is judged by are different mixes of the same borders.
  const outlines = regionGraph(regions, boundary.contrast, width, height);
  return {
    superpixels: regions,
    graph: outlines,
    merges: { ...merges, strength: strengthOfMerges(merges, outlines) },
  };
}
