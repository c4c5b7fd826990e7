export {
  type Click,
  type Dataset,
  type LabelMap,
  openDataset,
  readLabelMap,
  readLabels,
  readRgb,
} from "./datasets/dataset.js";
export { iouOfCounts } from "./metrics/iou.js";
export { evaluateRegionTree, type RegionTreeReport } from "./region-tree/evaluate.js";
