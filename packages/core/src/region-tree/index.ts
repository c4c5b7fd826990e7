export { coverageLogits, treeLogits } from "./answer-logits.js";
export { treeMask } from "./answer-mask.js";
export { buildRegionTree, buildRegionTreeWith, type RegionTreeOptions } from "./build.js";
export { ancestorAt, type ChainStep, chain, granularityOf } from "./choose/dial.js";
export { REGION_TREE_RECIPE } from "./recipe.js";
export { restoreTree, type SavedArray, saveTree } from "./saved-tree.js";
export { segmentTree, type TreeAnswer } from "./segment.js";
export { pathToRoot, type RegionTree } from "./tree.js";
