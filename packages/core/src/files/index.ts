export { canBeMade, isOurs, makeFolder, makePrivateFolder, problemOfPrivateFolder } from "./folders.js";
export { folderOfVariable, homeFolder } from "./home-folder.js";
export { linkOrCopy } from "./links.js";
export { type FileLock, type LockOptions, lockFile } from "./lock-file.js";
export { outputName } from "./output-name.js";
export { PartFile } from "./part-file.js";
export {
  isHidden,
  isPhotoName,
  notTakenSentence,
  type PhotoFolder,
  photosBelow,
  photosIn,
} from "./photos.js";
export { piecesOf } from "./pieces-of.js";
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
export { type ReadPiecesOptions, readPieces } from "./read-pieces.js";
export { ScratchFile } from "./scratch-file.js";
export {
  createWhole,
  problemOfTarget,
  removeLeftovers,
  temporaryPath,
  writeWhole,
  writeWholeFile,
} from "./write.js";
export { writePieces } from "./write-pieces.js";
export { writeWholeFolder, writeWholeThrough } from "./write-through.js";
