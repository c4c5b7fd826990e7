export { CalibratedEngine, isCalibrated } from "./calibrated-engine.js";
export { Calibration, type CalibrationData, type CalibrationFit } from "./calibration.js";
