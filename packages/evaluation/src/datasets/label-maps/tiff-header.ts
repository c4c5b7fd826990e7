/** What decides how the samples of a TIFF are to be read. */
export interface TiffHeader {
  readonly width: number;
  readonly height: number;
  /** Bits a sample. */
  readonly bits: number;
  readonly format: "unsigned" | "signed" | "float" | "other";
  readonly channels: number;
  /** 0 grey with white as zero, 1 grey with black as zero, 2 RGB, 3 palette. */
  readonly photometric: number;
  readonly compression: number;
  /** As in EXIF; 1 is upright. */
  readonly orientation: number;
  readonly pages: number;
}

const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  orientation: 274,
  channels: 277,
  format: 339,
} as const;
const FORMATS = { 1: "unsigned", 2: "signed", 3: "float" } as const;
/** Bytes of a number of each type that sizes and kinds are stored in. */
const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };
/** More pages are not counted. */
const MOST_PAGES = 1000;

export function isTiff(bytes: Uint8Array): boolean {
  const mark = String.fromCharCode(...bytes.subarray(0, 4));
  return ["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(mark);
}

/** Reads the first directory of a TIFF or BigTIFF (TIFF 6.0, section 2). Throws an `Error` where it is damaged. */
export function readTiffHeader(bytes: Uint8Array): TiffHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return parse(view);
  } catch (cause) {
    throw new Error("its TIFF header is damaged", { cause });
  }
}

function parse(view: DataView): TiffHeader {
  const little = view.getUint8(0) === 0x49;
  const big = view.getUint16(2, little) === 43;
  const offset = (at: number) => (big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const count = (at: number) => (big ? Number(view.getBigUint64(at, little)) : view.getUint16(at, little));
  const [countBytes, entryBytes, fieldBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const first = offset(big ? 8 : 4);
  const entries = new Map<number, number>();
  for (let k = 0; k < count(first); k++) {
    const at = first + countBytes + k * entryBytes;
    const type = view.getUint16(at + 2, little);
    const size = TYPE_BYTES[type];
    if (size === undefined) continue;
    const values = big ? Number(view.getBigUint64(at + 4, little)) : view.getUint32(at + 4, little);
    // Of several values (one a channel) the first tells; they lie elsewhere where they do not fit.
    const field = at + 4 + fieldBytes;
    const where = values * size <= fieldBytes ? field : offset(field);
    entries.set(view.getUint16(at, little), number(view, where, size, little));
  }
  let pages = 1;
  let next = first;
  while (pages < MOST_PAGES) {
    next = offset(next + countBytes + count(next) * entryBytes);
    if (next === 0) break;
    pages++;
  }
  const tag = (name: keyof typeof TAGS, absent: number) => entries.get(TAGS[name]) ?? absent;
  const width = tag("width", 0);
  const height = tag("height", 0);
  if (width === 0 || height === 0) throw new Error("no size");
  return {
    width,
    height,
    bits: tag("bits", 1),
    format: FORMATS[tag("format", 1) as 1 | 2 | 3] ?? "other",
    channels: tag("channels", 1),
    photometric: tag("photometric", 1),
    compression: tag("compression", 1),
    orientation: tag("orientation", 1),
    pages,
  };
}

function number(view: DataView, at: number, size: number, little: boolean): number {
  if (size === 1) return view.getUint8(at);
  if (size === 2) return view.getUint16(at, little);
  return size === 4 ? view.getUint32(at, little) : Number(view.getBigUint64(at, little));
}
