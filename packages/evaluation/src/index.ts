export {
  type Benchmark,
  type BenchmarkLayout,
  type OpenBenchmarksOptions,
  openBenchmarks,
} from "./datasets/benchmarks/open-benchmarks.js";
export {
  type AnnotatedClip,
  type ClipLayout,
  type OpenClipsOptions,
  openClips,
} from "./datasets/clips/open-clips.js";
export type { Click, Dataset, DatasetImage } from "./datasets/dataset.js";
export { halfOf, takeHalf } from "./datasets/half.js";
export { type LabelMap, readLabelMap } from "./datasets/label-maps/read-label-map.js";
export { type Note, noteText } from "./datasets/notes.js";
export { openDatasets } from "./datasets/open-datasets.js";
export { readPhoto } from "./datasets/read-photo.js";
export { readTruth, type Truth } from "./datasets/read-truth.js";
export type { Method, MethodImage, MethodInfo } from "./methods/method.js";
export type { MethodSpec, ModelSpec } from "./methods/open-method.js";
export type { Confidence } from "./metrics/bootstrap.js";
export { iouOfCounts, maskIou } from "./metrics/iou.js";
export type { Measures } from "./metrics/measures.js";
export type { SequenceStatistics } from "./metrics/sequence-statistics.js";
export { BASELINES, type Baseline, HALVES, type Half, OPTIONAL_METRICS } from "./names.js";
export { evaluateRegionTree, type RegionTreeReport } from "./region-tree/evaluate.js";
export { type CodeCommit, codeCommit } from "./report/code-commit.js";
export { reportFiles } from "./report/files.js";
export type { Machine } from "./report/machine.js";
export { OBJECT_COLUMNS, objectCells, objectsReportFiles } from "./report/objects-files.js";
export {
  makeObjectsReport,
  noObjectScored,
  type ObjectsReport,
  type ObjectsResultReport,
  type ObjectsRunDetails,
} from "./report/objects-report.js";
export { makeReport, nothingScored, type Report } from "./report/report.js";
export {
  makeVideosReport,
  VIDEO_COLUMNS,
  type VideosReport,
  type VideosResultReport,
  type VideosRunDetails,
  videoCells,
  videosReportFiles,
} from "./report/videos-report.js";
export { dialLevels, type EvaluateOptions, evaluate, type Result } from "./run/evaluate.js";
export {
  type EvaluateObjectsOptions,
  evaluateObjects,
  type ObjectsResult,
} from "./run/objects/evaluate-objects.js";
export type { ObjectScore, ObjectsScore } from "./run/objects/score-objects.worker.js";
export type { ImageScore } from "./run/score-image.worker.js";
export type { Progress } from "./run/score-images.js";
export type { Summary } from "./run/summarise.js";
export { spreadOver } from "./spread-over.js";
export {
  type ClipsReport,
  type EvaluateClipsOptions,
  evaluateClips,
  type ObjectScores,
} from "./tracking/evaluate-clips.js";
export {
  type EvaluateVideosOptions,
  evaluateVideos,
  type VideosProgress,
  type VideosResult,
} from "./tracking/evaluate-videos.js";
