export { type Enqueued, type EnqueueOptions, enqueue } from "./enqueue.js";
export type { PhotoNames } from "./inputs/find-photos.js";
export { DEFAULT_REDIS, REDIS_VARIABLE } from "./redis/address.js";
export { DEFAULT_QUEUE } from "./run/run-record.js";
export type { RunModel, RunOptions, RunSettings } from "./run/run-settings.js";
export {
  eachParked,
  forgetRun,
  type ParkedPhoto,
  type QueueOptions,
  type RunCounts,
  type RunStatus,
  retryParked,
  runStatus,
} from "./status/run-status.js";
export { type Worked, type WorkFailure, type WorkOptions, work } from "./work/work.js";
