import { type ByteSource, readBytes } from "./byte-source.js";
import { FormatError } from "./format-error.js";
import { readPyTorch } from "./pytorch/read-pytorch.js";
import { readSafetensors } from "./safetensors/read-safetensors.js";
import type { CheckpointDirectory } from "./stored-tensor.js";

/** Tells the format by the file's first bytes and reads its directory. Throws `FormatError`. */
export async function readDirectory(source: ByteSource, signal?: AbortSignal): Promise<CheckpointDirectory> {
  if (source.byteLength === 0) throw new FormatError("the file is empty.");
  const start = await readBytes(source, 0, Math.min(source.byteLength, longestSignature));
  signal?.throwIfAborted();
  if (startsWith(start, zipRecord)) return readPyTorch(source, signal);
  if (startsWith(start, legacyPyTorch)) {
    throw new FormatError(
      "it is in PyTorch's format from before version 1.6; load it and torch.save it again.",
    );
  }
  if (looksLikePickle(start)) {
    throw new FormatError(
      "it is a bare pickle, not a zip archive as torch.save writes; nothing of it was run.",
    );
  }
  if (start.length > headerStart && start[headerStart] !== openingBrace) {
    throw new FormatError("it is neither a PyTorch zip archive nor a safetensors file.");
  }
  return readSafetensors(source);
}

const zipRecord = [0x50, 0x4b, 0x03, 0x04]; // "PK\x03\x04"
/** A pickle of the number 0x1950a86a20f9469cfc6c, which PyTorch wrote first. */
const legacyPyTorch = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/** The JSON header of safetensors follows its length and must begin with a brace. */
const headerStart = 8;
const openingBrace = 0x7b;
const longestSignature = legacyPyTorch.length;

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

/** A pickle begins with PROTO; read as a safetensors header length, its first bytes would be beyond 4 GB. */
function looksLikePickle(bytes: Uint8Array): boolean {
  return bytes[0] === 0x80 && bytes[1]! <= 5 && bytes.subarray(4, 8).some((byte) => byte !== 0);
}
