import { type ByteSource, readBytes } from "./byte-source.js";
import { FormatError } from "./format-error.js";
import { readSafetensors } from "./safetensors/read-safetensors.js";
import type { CheckpointDirectory } from "./stored-tensor.js";

/** Tells the format by the file's first bytes and reads its directory. Throws `FormatError`. */
export async function readDirectory(source: ByteSource, signal?: AbortSignal): Promise<CheckpointDirectory> {
  if (source.byteLength === 0) throw new FormatError("the file is empty.");
  const start = await readBytes(source, 0, Math.min(source.byteLength, 9));
  signal?.throwIfAborted();
  if (startsWith(start, zipLocalHeader)) throw new FormatError("reading .pt files is not there yet.");
  const directory = await readSafetensors(source);
  signal?.throwIfAborted();
  return directory;
}

const zipLocalHeader = [0x50, 0x4b, 0x03, 0x04]; // "PK\x03\x04"

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}
