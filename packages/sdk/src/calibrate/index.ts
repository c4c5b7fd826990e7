export {
  type CalibrateOptions,
  type CalibrationGoal,
  type CalibrationTarget,
  calibrate,
} from "./calibrate.js";
export {
  type RegionStatistics,
  type RegionStatisticsOptions,
  regionStatistics,
} from "./region-statistics.js";
export { type CalibrationTargets, readCalibrationTargets } from "./targets-file.js";
