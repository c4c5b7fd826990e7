import { littleEndian } from "./pickle-writer.js";

export interface ZipEntryToWrite {
  readonly name: string;
  readonly data: Uint8Array;
  /** Compression method to claim in the archive's directory; 0 is stored. */
  readonly method?: number;
  /** Name to put into the record's own header, where it should contradict the directory. */
  readonly localName?: string;
  /** Size to put into the record's own header, where it should contradict the directory. */
  readonly localSize?: number;
  /** Where the directory says the record begins, where it should lie. */
  readonly claimedOffset?: number;
}

export interface ZipLayout {
  /** Writes sizes and offsets as zip64 does for large archives. */
  readonly zip64?: boolean;
}

/** A zip archive with every record stored and its data aligned to 64 bytes, as torch.save writes. */
export function zipArchive(entries: readonly ZipEntryToWrite[], { zip64 = false }: ZipLayout = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const {
    name,
    data,
    method = 0,
    localName = name,
    localSize = data.length,
    claimedOffset,
  } of entries) {
    const fixed = [...u16(20), ...u16(0), ...u16(method), ...u16(0), ...u16(0), ...u32(0)];
    const nameBytes = Buffer.from(localName);
    const beforePadding = offset + 30 + nameBytes.length + 4;
    const padding = (64 - (beforePadding % 64)) % 64;
    const extra = [...u16(0x4246), ...u16(padding), ...new Array<number>(padding).fill(0x5a)];
    const sizes = [...u32(localSize), ...u32(localSize)];
    const lengths = [...u16(nameBytes.length), ...u16(extra.length)];
    const local = Buffer.from([...u32(0x04034b50), ...fixed, ...sizes, ...lengths, ...nameBytes, ...extra]);
    directory.push(
      directoryEntry({ name, size: data.length, offset: claimedOffset ?? offset, fixed, zip64 }),
    );
    parts.push(local, Buffer.from(data));
    offset += local.length + data.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  return Buffer.concat([...parts, ...directory, ...endOfDirectory(entries.length, size, offset, zip64)]);
}

function directoryEntry(entry: {
  name: string;
  size: number;
  offset: number;
  fixed: number[];
  zip64: boolean;
}): Buffer {
  const { name, size, offset, fixed, zip64 } = entry;
  const nameBytes = Buffer.from(name);
  const wide = [...littleEndian(size, 8), ...littleEndian(size, 8), ...littleEndian(offset, 8)];
  const extra = zip64 ? [...u16(1), ...u16(wide.length), ...wide] : [];
  const sizes = zip64 ? [...u32(0xffffffff), ...u32(0xffffffff)] : [...u32(size), ...u32(size)];
  const lengths = [...u16(nameBytes.length), ...u16(extra.length), ...u16(0)];
  const place = [...u16(0), ...u16(0), ...u32(0), ...u32(zip64 ? 0xffffffff : offset)];
  return Buffer.from([
    ...u32(0x02014b50),
    ...u16(20),
    ...fixed,
    ...sizes,
    ...lengths,
    ...place,
    ...nameBytes,
    ...extra,
  ]);
}

function endOfDirectory(count: number, size: number, offset: number, zip64: boolean): Buffer[] {
  const wideCount = littleEndian(count, 8);
  const wide = Buffer.from([
    ...u32(0x06064b50),
    ...littleEndian(44, 8),
    ...u16(45),
    ...u16(45),
    ...u32(0),
    ...u32(0),
    ...wideCount,
    ...wideCount,
    ...littleEndian(size, 8),
    ...littleEndian(offset, 8),
  ]);
  const locator = Buffer.from([...u32(0x07064b50), ...u32(0), ...littleEndian(offset + size, 8), ...u32(1)]);
  const narrow = zip64
    ? [...u16(0xffff), ...u16(0xffff), ...u32(0xffffffff), ...u32(0xffffffff)]
    : [...u16(count), ...u16(count), ...u32(size), ...u32(offset)];
  const end = Buffer.from([...u32(0x06054b50), ...u16(0), ...u16(0), ...narrow, ...u16(0)]);
  return zip64 ? [wide, locator, end] : [end];
}

function u16(value: number): number[] {
  return littleEndian(value, 2);
}

function u32(value: number): number[] {
  return littleEndian(value, 4);
}
