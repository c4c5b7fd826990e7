import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from "yauzl";
import { type ByteSource, isRangeWithin } from "../byte-source.js";
import { FormatError, isSystemError, quoted } from "../format-error.js";
import { WindowedReader } from "./windowed-reader.js";

/** A file in the archive. */
export interface ZipRecord {
  readonly name: string;
  readonly byteLength: number;
  /**
   * Where the record's bytes begin in the file. Throws `FormatError` where they are compressed or encrypted, or where
   * the record's own header contradicts the archive's directory.
   */
  locate(): Promise<number>;
}

/** Four tensors (a weight and its optimizer state) for each of ten thousand parameters fit. */
const maximumRecords = 50_000;
const maximumNameLength = 1024;

/** Lists the records of a zip archive by name. Refuses two of one name and records that share bytes. */
export async function readZipDirectory(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<Map<string, ZipRecord>> {
  const reader = new WindowedReader(source);
  const zip = await nameDamage(
    fromRandomAccessReaderPromise(reader, source.byteLength, { autoClose: false }),
  );
  if (zip.entryCount > maximumRecords) {
    throw new FormatError(`its zip directory claims ${zip.entryCount} records, more than ${maximumRecords}.`);
  }
  const entries = new Map<string, Entry>();
  const remaining = zip.eachEntry();
  for (;;) {
    signal?.throwIfAborted();
    const { value: entry, done } = await nameDamage(remaining.next());
    if (done) break;
    if (entry.fileName.length > maximumNameLength) {
      throw new FormatError(`its zip directory names a record with ${entry.fileName.length} letters.`);
    }
    if (entries.has(entry.fileName)) {
      throw new FormatError(`its zip directory lists the record ${quoted(entry.fileName)} twice.`);
    }
    entries.set(entry.fileName, entry);
  }
  checkDisjoint([...entries.values()], source.byteLength);
  return new Map([...entries].map(([name, entry]) => [name, zipRecord(zip, entry)]));
}

const fixedHeaderBytes = 30;

/** Checks that records lie within the file and apart, by the least each takes: fixed header, name and contents. */
function checkDisjoint(entries: Entry[], fileBytes: number): void {
  entries.sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let taken = 0;
  for (const { fileName, fileNameRaw, relativeOffsetOfLocalHeader: start, compressedSize } of entries) {
    const length = fixedHeaderBytes + fileNameRaw.length + compressedSize;
    if (!isRangeWithin(start, length, fileBytes)) {
      throw new FormatError(
        `the zip record ${quoted(fileName)} of ${compressedSize} bytes lies outside the file.`,
      );
    }
    if (start < taken)
      throw new FormatError(`the zip record ${quoted(fileName)} overlaps the one before it.`);
    taken = start + length;
  }
}

function zipRecord(zip: ZipFile, entry: Entry): ZipRecord {
  const what = `the zip record ${quoted(entry.fileName)}`;
  return {
    name: entry.fileName,
    byteLength: entry.uncompressedSize,
    async locate() {
      if (entry.isEncrypted()) throw new FormatError(`${what} is encrypted.`);
      if (entry.compressionMethod !== 0) {
        throw new FormatError(
          `${what} is compressed, which torch.save never does; save the file again with PyTorch.`,
        );
      }
      const header = await nameDamage(zip.readLocalFileHeaderPromise(entry));
      if (header.compressionMethod !== 0 || !header.fileName.equals(entry.fileNameRaw)) {
        throw new FormatError(`${what} has a header that contradicts the archive's directory.`);
      }
      return header.fileDataStart;
    },
  };
}

/** yauzl throws plain errors for malformed archives; what the source itself throws passes unchanged. */
async function nameDamage<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof FormatError || isSystemError(error) || !(error instanceof Error)) throw error;
    throw new FormatError(`its zip archive is truncated or damaged: ${error.message.replace(/\.?$/, ".")}`);
  }
}
