export * from "./checkpoint.js";
export { type OpenCheckpointOptions, openCheckpoint } from "./open-checkpoint.js";
export { type TensorToWrite, writeSafetensors } from "./safetensors/write-safetensors.js";
