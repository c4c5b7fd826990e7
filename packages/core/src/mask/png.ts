import sharp from "sharp";
import { UnSAMError } from "../errors.js";
import { foreignKind, formatOf, toPNG } from "../image/index.js";
import { type Budget, checkPixels, maskBytes } from "../limits/index.js";
import { packBytes, unpackBytes } from "./bits.js";

/** A bit-packed mask as an 8-bit grey PNG: 255 foreground, 0 background. */
export async function encodeMaskPNG(words: Uint32Array, width: number, height: number): Promise<Buffer> {
  const bytes = unpackBytes(width, height, words, 255);
  const picture = sharp(bytes, { raw: { width, height, channels: 1 }, limitInputPixels: false });
  return toPNG(picture.toColourspace("b-w"), { compressionLevel: 6, adaptiveFiltering: false });
}

/**
 * The bits of a mask stored as an image of 8 bits or less a sample: a pixel is foreground where any colour sample
 * is not 0; alpha is ignored. Its size is checked before it is decoded. Throws `E_BAD_FILE`.
 */
export async function decodeMaskPNG(
  bytes: Uint8Array,
  maxPixels: number | undefined,
  budget: Budget,
): Promise<{ width: number; height: number; words: Uint32Array }> {
  const header = await readMaskPNGHeader(bytes, maxPixels);
  budget.take(maskBytes(header.width, header.height));
  const { data, info } = await readable(() =>
    sharp(bytes, { limitInputPixels: false, ignoreIcc: true, failOn: "error" })
      .removeAlpha()
      .toColourspace(header.grey ? "b-w" : "srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true }),
  );
  const { width, height, channels } = info;
  const pixels = width * height;
  const foreground = channels === 1 ? data : new Uint8Array(pixels);
  for (let i = 0; channels > 1 && i < pixels; i++) {
    for (let c = 0; c < channels; c++) foreground[i] |= data[i * channels + c];
  }
  return { width, height, words: packBytes(width, height, foreground) };
}

/** What `decodeMaskPNG` would decode, from the first bytes of the file. Throws `E_BAD_FILE` where it would refuse it. */
export async function readMaskPNGHeader(
  bytes: Uint8Array,
  maxPixels?: number,
): Promise<{ width: number; height: number; grey: boolean }> {
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) {
    throw refusal("is empty; give the bytes of a PNG file");
  }
  // libvips draws SVG, and opens much else: it gets nothing but PNG.
  const format = formatOf(bytes);
  if (format !== "png") {
    const found = format ?? foreignKind(bytes)?.what ?? "no image that can be read";
    throw refusal(`is ${found}; masks are read from PNG, which loses nothing`);
  }
  const header = await readable(() => sharp(bytes, { limitInputPixels: false }).metadata());
  const { depth, width, height, space } = header;
  if (depth !== "uchar") throw refusal("has more than 8 bits a sample; save it with 8");
  checkPixels("The mask image", { width, height }, maxPixels);
  return { width, height, grey: space === "b-w" };
}

async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.trim().split("\n")[0] : String(cause);
    throw refusal(`cannot be read: ${message}`, cause);
  }
}

function refusal(why: string, cause?: unknown): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `The mask image ${why}.`, { cause });
}
