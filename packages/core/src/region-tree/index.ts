export { coverageLogits, logOdds, TREE_LOGIT_SIDE, treeLogits } from "./answer-logits.js";
export { treeMask } from "./answer-mask.js";
export {
  buildRegionTree,
  buildRegionTreeWith,
  type RegionHierarchy,
  type RegionTreeOptions,
  regionHierarchy,
} from "./build.js";
export { addPixel, CHANNELS, type Channels, channelsOf } from "./channels.js";
export { ancestorAt, type ChainStep, chain, granularityOf } from "./choose/ancestors.js";
export { persistence } from "./choose/persistence.js";
export { type LabPlanes, labPlanes } from "./lab.js";
export type { LearnedCues } from "./learned-cues.js";
export { paintNode } from "./paint-node.js";
export { LEARNED_RECIPE, REGION_TREE_RECIPE } from "./recipe.js";
export { restoreTree, type SavedArray, saveTree } from "./saved-tree.js";
export { segmentTree, stabilityOf, type TreeAnswer } from "./segment.js";
export { normalisedCut, type SpectralCue, type WeightedGraph } from "./spectral-cue.js";
export { toneMapped } from "./tone.js";
export { pathToRoot, type RegionTree, treeBuffers } from "./tree.js";
export { workingImage } from "./working-image.js";
export { type KeptRegion, regionsBetween, regionsWorthKeeping } from "./worth-keeping.js";
