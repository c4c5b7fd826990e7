import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import type { RgbImage } from "@unsam/core/image";
import { checkPixels, DEFAULT_MAX_PIXELS } from "@unsam/core/limits";

const FILE_HEADER = 14;
/** Of the header of Windows 3, which every later one begins with. */
const INFO_HEADER = 40;
const UNCOMPRESSED = 0;

interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Rows lie from the top down, not from the bottom up. */
  readonly fromTop: boolean;
  /** Of a pixel: 1, 4 or 8 (palette), 24 or 32. */
  readonly bits: number;
  readonly palette: number;
  readonly colours: number;
  readonly pixels: number;
}

export function isBmpName(name: string): boolean {
  return /\.bmp$/i.test(name);
}

/**
 * Reads an uncompressed BMP, the format in which GrabCut's masks and some of its photos come. Throws `E_BAD_IMAGE` where it is
 * none, cut short, compressed or larger than `maxPixels`, before anything is filled.
 */
export function readBmp(bytes: Uint8Array, file: string, maxPixels: number = DEFAULT_MAX_PIXELS): RgbImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = headerOf(view, file);
  const { width, height, bits, palette, colours, pixels, fromTop } = header;
  checkPixels(`The image ${shown(file)}`, { width, height }, maxPixels, "E_BAD_IMAGE");
  const stride = 4 * Math.ceil((width * bits) / 32);
  if (pixels + stride * height > bytes.length || palette + 4 * colours > pixels) {
    throw refuse(file, "is cut short");
  }
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, out = 0; y < height; y++) {
    const row = pixels + (fromTop ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++, out += 3) {
      const index = bits <= 8 ? indexOf(bytes, row, x, bits) : 0;
      if (index >= colours && bits <= 8) throw refuse(file, `has a pixel of colour ${index}, of ${colours}`);
      const at = bits <= 8 ? palette + 4 * index : row + x * (bits / 8);
      // Blue comes first.
      data[out] = bytes[at + 2];
      data[out + 1] = bytes[at + 1];
      data[out + 2] = bytes[at];
    }
  }
  return { data, width, height };
}

/** Where a pixel of a palette points; the leftmost lies in the highest bits. */
function indexOf(bytes: Uint8Array, row: number, x: number, bits: number): number {
  const perByte = 8 / bits;
  const byte = bytes[row + Math.floor(x / perByte)];
  return (byte >> (8 - bits - (x % perByte) * bits)) & (2 ** bits - 1);
}

function headerOf(view: DataView, file: string): BmpHeader {
  if (view.byteLength < FILE_HEADER + INFO_HEADER || view.getUint16(0) !== 0x424d) {
    throw refuse(file, "is no BMP of Windows");
  }
  const size = view.getUint32(FILE_HEADER, true);
  const [width, signedHeight] = [view.getInt32(18, true), view.getInt32(22, true)];
  const [bits, compression] = [view.getUint16(28, true), view.getUint32(30, true)];
  const most = bits <= 8 ? 2 ** bits : 0;
  if (size < INFO_HEADER || width <= 0 || signedHeight === 0)
    throw refuse(file, "has a header that is wrong");
  if (compression !== UNCOMPRESSED || ![1, 4, 8, 24, 32].includes(bits)) {
    throw refuse(file, `has ${bits} bits a pixel, compression ${compression}; save it as PNG`);
  }
  return {
    width,
    height: Math.abs(signedHeight),
    fromTop: signedHeight < 0,
    bits,
    palette: FILE_HEADER + size,
    colours: Math.min(view.getUint32(46, true) || most, most),
    pixels: view.getUint32(10, true),
  };
}

function refuse(file: string, why: string): UnSAMError {
  return new UnSAMError("E_BAD_IMAGE", `The image ${shown(file)} ${why}.`);
}
