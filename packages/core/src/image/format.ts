import { UnSAMError } from "../errors.js";

/** What images are decoded from. libvips reads much more, and draws some of it; it never sees anything else than these. */
export type ImageFormat = "jpeg" | "png" | "webp" | "avif" | "tiff" | "gif";

/** Bytes from the beginning of a file that tell its format. */
export const HEAD_BYTES = 4096;

/** Beginnings of files, in Latin-1. WebP and AVIF are known by what comes a little later. */
const BEGINNINGS: readonly [string, ImageFormat][] = [
  ["\xff\xd8\xff", "jpeg"],
  ["\x89PNG\r\n\x1a\n", "png"],
  ["II*\0", "tiff"],
  ["MM\0*", "tiff"],
  ["II+\0", "tiff"],
  ["MM\0+", "tiff"],
  ["GIF87a", "gif"],
  ["GIF89a", "gif"],
];

const RENDER = "render it to PNG at the size you want first";
const CONVERT = "convert it to PNG or JPEG first";
const UNPACK = "unpack it first";

/** What else people take for an image, and what to do about it. */
const FOREIGN: readonly [string, string, string][] = [
  ["%PDF-", "a PDF document", RENDER],
  ["%!PS", "a PostScript document", RENDER],
  ["\x1f\x8b", "compressed with gzip", UNPACK],
  ["PK\x03\x04", "a zip archive", UNPACK],
  ["BM", "a BMP image", CONVERT],
  ["8BPS", "a Photoshop document", CONVERT],
  ["v/1\x01", "an OpenEXR image", CONVERT],
  ["#?RADIANCE", "a Radiance HDR image", CONVERT],
  ["\0\0\0\x0cJXL ", "a JPEG XL image", CONVERT],
  ["\xff\x0a", "a JPEG XL image", CONVERT],
  ["\0\0\0\x0cjP  ", "a JPEG 2000 image", CONVERT],
  ["\xff\x4f\xff\x51", "a JPEG 2000 image", CONVERT],
  ["SIMPLE  =", "a FITS file", CONVERT],
  ["\x08\xf2\xa6\xb6", "an image in libvips' own format", CONVERT],
  ["\xb6\xa6\xf2\x08", "an image in libvips' own format", CONVERT],
  ["version https://git-lfs", "a pointer of Git LFS, not the image", "run git lfs pull"],
];

/** Brands of HEIF files whose pictures are not AV1. */
const HEIC = /^(hei[cxms]|hev[cx])$/;

/** The format that the first bytes of a file tell, or null. */
export function formatOf(head: Uint8Array): ImageFormat | null {
  const text = latin1(head);
  const known = BEGINNINGS.find(([beginning]) => text.startsWith(beginning));
  if (known) return known[1];
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  return brands(text).some((brand) => brand === "avif" || brand === "avis") ? "avif" : null;
}

/** Throws `E_BAD_IMAGE` where the first bytes are of no format that is decoded. `name` begins the sentence. */
export function checkFormat(head: Uint8Array, name: string): ImageFormat {
  if (head.length === 0) throw new UnSAMError("E_BAD_IMAGE", `${name} is empty (0 bytes).`);
  const format = formatOf(head);
  if (format) return format;
  const foreign = foreignKind(head);
  throw new UnSAMError(
    "E_BAD_IMAGE",
    foreign
      ? `${name} is ${foreign.what}; ${foreign.advice}.`
      : `${name} is not an image that can be read: it does not begin like a JPEG, PNG, WebP, AVIF, TIFF or GIF.`,
  );
}

/** What a file is that is no image of ours, as a part of a sentence, and what to do about it; null: nobody knows. */
export function foreignKind(head: Uint8Array): { what: string; advice: string } | null {
  const text = latin1(head);
  if (brands(text).some((brand) => HEIC.test(brand))) return { what: "a HEIC photo", advice: CONVERT };
  const [, what, advice] = FOREIGN.find(([beginning]) => text.startsWith(beginning)) ?? [];
  if (what && advice) return { what, advice };
  // Text may begin with a byte order mark, here of UTF-8.
  if (!/^(\u00ef\u00bb\u00bf)?\s*</.test(text)) return null;
  if (/<svg/i.test(text)) return { what: "an SVG drawing", advice: RENDER };
  return { what: "a page of HTML or XML", advice: "fetch the image itself" };
}

/** ISO/IEC 14496-12, 4.3: the first box is `ftyp`, with a major brand, a version, and compatible brands. */
function brands(head: string): string[] {
  if (head.slice(4, 8) !== "ftyp") return [];
  const size = head.charCodeAt(2) * 256 + head.charCodeAt(3);
  const all = [head.slice(8, 12)];
  for (let at = 16; at + 4 <= Math.min(size, head.length); at += 4) all.push(head.slice(at, at + 4));
  return all;
}

function latin1(head: Uint8Array): string {
  return Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString("latin1");
}
