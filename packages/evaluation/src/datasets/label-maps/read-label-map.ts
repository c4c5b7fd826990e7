import { UnSAMError } from "@unsam/core/errors";
import { readFileBytes, reasonOf, shown } from "@unsam/core/files";
import { checkPixels, DEFAULT_MAX_PIXELS } from "@unsam/core/limits";
import sharp from "sharp";
import type { Size } from "../dataset.js";
import { isPng, readPngHeader, readPngSamples } from "./png-samples.js";
import { isTiff, readTiffHeader, type TiffHeader } from "./tiff-header.js";

/** Region number of each pixel; 0 is the data set's own: nothing, background, or to be ignored. */
export interface LabelMap extends Size {
  /** [height, width] */
  readonly data: Uint8Array | Int8Array | Uint16Array | Int32Array | Uint32Array;
}

const ADVICE = "save region numbers as a PNG of one grey channel, 8 or 16 bits";

/** Kinds of integers that TIFF stores and libvips hands over unchanged; it clips signed 16-bit samples. */
const TIFF_SAMPLES = {
  "unsigned 8": ["uchar", Uint8Array],
  "signed 8": ["char", Int8Array],
  "unsigned 16": ["ushort", Uint16Array],
  "unsigned 32": ["uint", Uint32Array],
  "signed 32": ["int", Int32Array],
} as const;
/** None, LZW, Deflate (both numbers), PackBits, LZMA, Zstandard: each gives back what went in. */
const LOSSLESS = [1, 5, 8, 32946, 32773, 34925, 50000];

/** The size of a label map by its header. Throws what `readLabelMap` throws. */
export async function labelMapSize(file: string): Promise<Size> {
  const bytes = await readBytes(file);
  return headerOf(bytes, file, Number.POSITIVE_INFINITY);
}

/**
 * Reads region numbers exactly as they are stored: PNG of one grey channel (1 to 16 bits) or with a palette, by index;
 * TIFF of one grey channel of integers (8, 16 or 32 bits). All else is refused, for a colour, a lossy format or a float is
 * no region number. `size`: of the photo, which must be the map's; it is compared before pixels are decoded.
 * Throws `E_BAD_FILE`, `E_IO`.
 */
export async function readLabelMap(file: string, size?: Size): Promise<LabelMap> {
  const bytes = await readBytes(file);
  // A map of the photo's size is as large as a photo that was taken.
  const most = size ? Math.max(DEFAULT_MAX_PIXELS, size.width * size.height) : DEFAULT_MAX_PIXELS;
  const header = headerOf(bytes, file, most);
  if (size && (header.width !== size.width || header.height !== size.height)) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file} is ${header.width}×${header.height}, but its photo is ${size.width}×${size.height}.`,
    );
  }
  try {
    return isPng(bytes) ? await readPngSamples(bytes) : await readTiff(bytes, readTiffHeader(bytes));
  } catch (cause) {
    throw refuse(file, `cannot be read: ${reasonOf(cause)}`, cause);
  }
}

function readBytes(file: string): Promise<Uint8Array<ArrayBuffer>> {
  return readFileBytes(file, { what: "The label map" });
}

function refuse(file: string, why: string, cause?: unknown): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `The label map ${shown(file)} ${why}.`, { cause });
}

/** Checks by the header alone that the file may hold region numbers, of a size that may be decoded. */
function headerOf(bytes: Uint8Array, file: string, maxPixels: number): Size {
  const [size, problem] = sizeAndProblem(bytes, file);
  if (problem) throw refuse(file, `${problem}; ${ADVICE}`);
  checkPixels(`The label map ${shown(file)}`, size, maxPixels);
  return size;
}

function sizeAndProblem(bytes: Uint8Array, file: string): [Size, string | null] {
  try {
    if (isPng(bytes)) {
      const header = readPngHeader(bytes);
      return [header, header.colour === 2 || header.colour === 6 ? "is coloured (RGB)" : null];
    }
    if (isTiff(bytes)) {
      const header = readTiffHeader(bytes);
      return [header, tiffProblem(header)];
    }
  } catch (cause) {
    throw refuse(file, `cannot be read: ${reasonOf(cause)}`, cause);
  }
  return [{ width: 0, height: 0 }, `is ${kindOf(bytes)}`];
}

function tiffProblem(header: TiffHeader): string | null {
  const { bits, format, channels, photometric, compression, orientation, pages } = header;
  if (photometric === 3) return "is a TIFF with a palette";
  if (channels !== 1 || photometric === 2) return `has ${channels} channels`;
  if (photometric !== 1) return "is a TIFF that stores white as 0";
  if (!Object.hasOwn(TIFF_SAMPLES, `${format} ${bits}`)) {
    return `has samples of ${bits} bits (${format}); TIFF of 8, 16 or 32-bit integers is read`;
  }
  if (!LOSSLESS.includes(compression)) return `is compressed with loss (TIFF compression ${compression})`;
  if (pages > 1) return `has ${pages} pages, and which one holds the labels cannot be told`;
  return orientation === 1 ? null : `is to be turned (orientation ${orientation})`;
}

/** Of formats that cannot hold region numbers, or that are not read. */
function kindOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  if (bytes.length === 0) return "empty";
  if (text.startsWith("\xff\xd8\xff")) return "a JPEG, which changes numbers when it compresses them";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "a WebP, which holds colours";
  if (text.slice(4, 8) === "ftyp") return "an AVIF or HEIC, which holds colours";
  if (text.startsWith("GIF8")) return "a GIF, which holds colours";
  if (text.startsWith("\x93NUMPY")) return "a NumPy array";
  return "no PNG and no TIFF";
}

async function readTiff(bytes: Uint8Array, header: TiffHeader): Promise<LabelMap> {
  const kind = `${header.format} ${header.bits}` as keyof typeof TIFF_SAMPLES;
  const [depth, Samples] = TIFF_SAMPLES[kind];
  const { data, info } = await sharp(bytes, { limitInputPixels: false, ignoreIcc: true, failOn: "error" })
    .toColourspace(depth === "ushort" ? "grey16" : "b-w")
    .raw({ depth })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 1 || info.width !== header.width || info.height !== header.height) {
    throw new Error("its pixels are not what its header says");
  }
  return { width: info.width, height: info.height, data: new Samples(Uint8Array.from(data).buffer) };
}
