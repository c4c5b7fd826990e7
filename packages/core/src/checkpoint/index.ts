export * from "./checkpoint.js";
export { type OpenCheckpointOptions, openCheckpoint } from "./open-checkpoint.js";
