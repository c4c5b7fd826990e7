export * from "./checkpoint.js";
export { type OpenCheckpointOptions, openCheckpoint } from "./open-checkpoint.js";
export {
  type OpenSafetensorsOptions,
  openSafetensors,
  type SafetensorsFile,
} from "./safetensors/open-safetensors.js";
export { type TensorToWrite, writeSafetensors } from "./safetensors/write-safetensors.js";
