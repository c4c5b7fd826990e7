import { type Entry, fromRandomAccessReaderPromise, type LocalFileHeader, type ZipFile } from "yauzl";
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

/** A weight and its optimizer state take four records; a large model has a thousand weights. */
const maximumRecords = 20_000;
/** Of an entry in the directory: name, extra fields and comment. PyTorch writes names of a few dozen bytes. */
const maximumEntryBytes = 512;

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
    const entryBytes = entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    if (entryBytes > maximumEntryBytes) {
      throw new FormatError(
        `its zip directory has an entry of ${entryBytes} bytes, more than ${maximumEntryBytes}.`,
      );
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
    if (start < taken) {
      throw new FormatError(`the zip record ${quoted(fileName)} overlaps the one before it.`);
    }
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
      if (!agrees(header, entry)) {
        throw new FormatError(`${what} has a header that contradicts the archive's directory.`);
      }
      return header.fileDataStart;
    },
  };
}

const zip64Size = 0xffffffff;
/** Flag of a record whose sizes follow its contents; its header has zeros. */
const sizesFollow = 0x0008;

function agrees(header: LocalFileHeader, entry: Entry): boolean {
  const sizesAreElsewhere =
    header.compressedSize === zip64Size || (header.generalPurposeBitFlag & sizesFollow) !== 0;
  return (
    header.compressionMethod === 0 &&
    header.fileName.equals(entry.fileNameRaw) &&
    (sizesAreElsewhere || header.compressedSize === entry.compressedSize)
  );
}

/** yauzl throws plain errors for malformed archives; what the source itself throws passes unchanged. */
async function nameDamage<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof FormatError || isSystemError(error) || !(error instanceof Error)) throw error;
    const reason = error.message.replace(/\.$/, "");
    throw new FormatError(
      `its zip archive is truncated or damaged (${reason}); a download that stopped early looks like this: download it again.`,
    );
  }
}
