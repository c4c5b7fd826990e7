export { canBeMade, isOurs, makeFolder, makePrivateFolder, problemOfPrivateFolder } from "./folders.js";
export { outputName } from "./output-name.js";
export { isHidden, isPhotoName, notTakenSentence, type PhotoFolder, photosIn } from "./photos.js";
export {
  DEFAULT_MAX_FILE_BYTES,
  DEFAULT_MAX_TEXT_BYTES,
  lookAtFile,
  openRegularFile,
  parseJson,
  type ReadJsonOptions,
  type ReadOptions,
  type RegularFile,
  readFileBytes,
  readFileJson,
  readFileText,
  reasonOf,
  shown,
} from "./read.js";
export {
  createWhole,
  problemOfTarget,
  removeLeftovers,
  temporaryPath,
  writeWhole,
  writeWholeFile,
} from "./write.js";
