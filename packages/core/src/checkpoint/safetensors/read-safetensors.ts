import { type ByteSource, readBytes } from "../byte-source.js";
import { bytesPerElement, checkedElementCount } from "../dtype.js";
import { FormatError, quoted } from "../format-error.js";
import {
  type CheckpointDirectory,
  denseStrides,
  maximumRank,
  maximumTensors,
  type StoredTensor,
} from "../stored-tensor.js";
import { dtypeOfTag, foreignDtypeOfTag } from "./dtype-tags.js";
import { HeaderScanner } from "./header-scanner.js";
import { lengthFieldBytes, maximumHeaderBytes } from "./layout.js";

/** Reads and checks the header of a safetensors file, of at most `maxHeaderBytes`. Throws `FormatError`. */
export async function readSafetensors(
  source: ByteSource,
  maxHeaderBytes = maximumHeaderBytes,
): Promise<CheckpointDirectory> {
  const headerBytes = await readHeaderLength(source, maxHeaderBytes);
  const dataStart = lengthFieldBytes + headerBytes;
  const text = decodeUtf8(await readBytes(source, lengthFieldBytes, headerBytes));
  const { entries, metadata } = parseHeader(text);
  const tensors = new Map<string, StoredTensor>();
  for (const entry of entries) tensors.set(entry.name, storedTensor(entry, dataStart));
  checkCoverage(entries, source.byteLength - dataStart);
  return { format: "safetensors", tensors, metadata };
}

async function readHeaderLength(source: ByteSource, maxHeaderBytes: number): Promise<number> {
  if (source.byteLength < lengthFieldBytes + 2) {
    throw new FormatError(`it has ${source.byteLength} bytes, too few for a safetensors file.`);
  }
  const field = await readBytes(source, 0, lengthFieldBytes);
  const length = new DataView(field.buffer).getBigUint64(0, true);
  const available = source.byteLength - lengthFieldBytes;
  if (length > BigInt(available)) {
    throw new FormatError(`its safetensors header claims ${length} bytes, but only ${available} follow.`);
  }
  if (Number(length) > maxHeaderBytes) {
    throw new FormatError(
      `its safetensors header of ${length} bytes exceeds the limit of ${maxHeaderBytes}.`,
    );
  }
  return Number(length);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError("its safetensors header is not UTF-8 text.");
  }
}

interface HeaderEntry {
  readonly name: string;
  readonly dtypeTag: string;
  readonly shape: readonly number[];
  /** Within the data that follows the header. */
  readonly begin: number;
  readonly end: number;
}

function parseHeader(text: string): { entries: HeaderEntry[]; metadata: Record<string, string> } {
  const entries: HeaderEntry[] = [];
  let metadata: Record<string, string> = {};
  const scanner = new HeaderScanner(text);
  scanner.object("the header", (name) => {
    if (name === "__metadata__") metadata = readMetadata(scanner);
    else if (entries.length === maximumTensors) {
      throw new FormatError(`it holds more than ${maximumTensors} tensors.`);
    } else entries.push(readEntry(scanner, name));
  });
  scanner.end();
  return { entries, metadata };
}

/** Strings of metadata: many times what anybody writes, few enough to be read at once. */
const maximumMetadata = 10_000;

function readMetadata(scanner: HeaderScanner): Record<string, string> {
  const pairs: [string, string][] = [];
  scanner.object("__metadata__", (key) => {
    if (pairs.length === maximumMetadata) {
      throw new FormatError(`its __metadata__ has more than ${maximumMetadata} entries.`);
    }
    pairs.push([key, scanner.string(`__metadata__ ${quoted(key)}`)]);
  });
  return Object.fromEntries(pairs);
}

function readEntry(scanner: HeaderScanner, name: string): HeaderEntry {
  const what = `tensor ${quoted(name)}`;
  let dtypeTag: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object(what, (field) => {
    if (field === "dtype") dtypeTag = scanner.string(`the dtype of ${what}`);
    else if (field === "shape") shape = scanner.integers(`the shape of ${what}`, maximumRank);
    else if (field === "data_offsets") offsets = scanner.integers(`the data_offsets of ${what}`, 2);
    else throw new FormatError(`${what} has the unknown field ${quoted(field)}.`);
  });
  if (dtypeTag === undefined || shape === undefined || offsets === undefined) {
    throw new FormatError(`${what} lacks one of dtype, shape and data_offsets.`);
  }
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) {
    throw new FormatError(`the data_offsets of ${what} are not two numbers.`);
  }
  if (begin > end) throw new FormatError(`${what} begins at byte ${begin} and ends before it, at ${end}.`);
  return { name, dtypeTag, shape, begin, end };
}

/** The format asks that the tensors cover the data bytes exactly: nothing outside, no overlap, no hole. */
function checkCoverage(entries: readonly HeaderEntry[], dataBytes: number): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const what = `tensor ${quoted(name)} (bytes ${begin} to ${end})`;
    if (end > dataBytes) {
      throw new FormatError(
        `${what} lies outside the ${dataBytes} data bytes of the file; it is cut off (download it again) or damaged.`,
      );
    }
    if (begin < covered) {
      throw new FormatError(`${what} overlaps the tensor before it, which ends at ${covered}.`);
    }
    if (begin > covered) {
      throw new FormatError(`bytes ${covered} to ${begin} before ${what} belong to no tensor.`);
    }
    covered = end;
  }
  if (covered < dataBytes) {
    throw new FormatError(`the last ${dataBytes - covered} bytes belong to no tensor.`);
  }
}

function storedTensor({ name, dtypeTag, shape, begin, end }: HeaderEntry, dataStart: number): StoredTensor {
  const dtype = dtypeOfTag(dtypeTag);
  const foreign = foreignDtypeOfTag(dtypeTag);
  const bits = dtype ? 8 * bytesPerElement[dtype] : foreign?.bits;
  const count = checkedElementCount(shape);
  // Of a dtype that later versions of the format add nothing is known but its bytes' place, which is checked below.
  const fits = count !== null && (bits === undefined || Math.ceil((count * bits) / 8) === end - begin);
  if (!fits) {
    throw new FormatError(
      `tensor ${quoted(name)} of dtype ${quoted(dtypeTag)} and shape [${shape.join(", ")}] cannot take ${end - begin} bytes.`,
    );
  }
  if (dtype === undefined) return { name, dtype: foreign?.name ?? dtypeTag, isReadable: false, shape };
  const byteOffset = dataStart + begin;
  return { name, dtype, isReadable: true, shape, strides: denseStrides(shape), byteOffset };
}
