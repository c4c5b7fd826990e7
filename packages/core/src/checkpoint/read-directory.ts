import { type ByteSource, readBytes } from "./byte-source.js";
import { FormatError } from "./format-error.js";
import { explainFile, startBytes } from "./other-files.js";
import { readPyTorch } from "./pytorch/read-pytorch.js";
import { readSafetensors } from "./safetensors/read-safetensors.js";
import type { CheckpointDirectory } from "./stored-tensor.js";

/** Tells the format by the file's first bytes and reads its directory. Throws `FormatError`. */
export async function readDirectory(source: ByteSource, signal?: AbortSignal): Promise<CheckpointDirectory> {
  if (source.byteLength === 0) throw new FormatError("the file is empty; download it again.");
  const start = await readBytes(source, 0, Math.min(source.byteLength, startBytes));
  signal?.throwIfAborted();
  if (zipRecord.every((byte, i) => start[i] === byte)) return readPyTorch(source, signal);
  const other = explainFile(start);
  if (other !== null) throw new FormatError(other);
  if (start.length > headerStart && start[headerStart] !== openingBrace) {
    throw new FormatError("it is neither a PyTorch zip archive nor a safetensors file.");
  }
  return readSafetensors(source);
}

const zipRecord = [0x50, 0x4b, 0x03, 0x04]; // "PK\x03\x04"
/** The JSON header of safetensors follows its length and must begin with a brace. */
const headerStart = 8;
const openingBrace = 0x7b;
