export {
  Budget,
  checkLimits,
  checkPixels,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_PIXELS,
  type Limits,
  maskBytes,
} from "./limits.js";
