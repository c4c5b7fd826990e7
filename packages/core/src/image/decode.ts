import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import sharp, { type Metadata, type Sharp, type SharpOptions } from "sharp";
import { UnSAMError } from "../errors.js";
import { checkLimits, checkPixels, DEFAULT_MAX_PIXELS } from "../limits/index.js";
import { isSrgbProfile } from "./icc.js";
import type { ImageInput, RawImage } from "./input.js";
import type { RgbImage } from "./rgb-image.js";

export interface DecodeOptions {
  /** Images of more pixels than this are refused before they are decoded (`Limits`). 100 million; may be Infinity. */
  readonly maxPixels?: number;
  /** false: pixels stay where the file stores them, whatever its EXIF orientation says. Files and their bytes only. */
  readonly upright?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Makes an upright 8-bit sRGB photo of anything that is one: JPEG, PNG, WebP, AVIF, TIFF, GIF, raw pixels, a sharp
 * pipeline.
 *
 * - EXIF orientation is applied, also to what a sharp pipeline puts out, unless it has done so itself.
 * - Alpha is dropped, as in the official predictor: the colours stored under transparent pixels count.
 * - Grey becomes RGB, 16 bits become 8 (the high byte), CMYK and images with a colour profile are converted to sRGB;
 *   8-bit sRGB comes through byte for byte.
 * - Of animations and documents of several pages, the first one is taken.
 * - SVG is refused (its size in pixels is for the caller to choose), so are floating-point samples (their range is).
 *
 * The caller's bytes are read until the promise settles, never written to and not kept; the result is a copy.
 *
 * Throws `E_BAD_IMAGE` for what cannot be decoded or is too large, `E_BAD_OPTION` for a senseless limit, and the
 * signal's reason when aborted. Decoding runs on sharp's threads, not on the event loop.
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions = {}): Promise<RgbImage> {
  const { maxPixels = DEFAULT_MAX_PIXELS, upright = true, signal } = options;
  checkLimits({ maxPixels });
  signal?.throwIfAborted();
  if (typeof input === "string" || input instanceof URL) {
    const path = input instanceof URL ? pathOf(input) : input;
    const bytes = await readImageFile(path, signal);
    return decodeBytes(bytes, `“${path}”`, maxPixels, signal, upright);
  }
  if (input instanceof Uint8Array) return decodeBytes(input, "The image", maxPixels, signal, upright);
  if (isSharp(input)) return decodePipeline(input, maxPixels, signal);
  if (typeof input === "object" && input !== null && "data" in input)
    return decodeRaw(input, maxPixels, signal);
  throw new UnSAMError(
    "E_BAD_IMAGE",
    `An image cannot be ${describe(input)}; give a path, a file: URL, the bytes of a file, { data, width, height, channels } or a sharp pipeline.`,
  );
}

/** Whether sharp is at work in this process, which it cannot be told to stop. */
export function decodingInFlight(): boolean {
  const { queue, process } = sharp.counters();
  return queue + process > 0;
}

function pathOf(url: URL): string {
  if (url.protocol !== "file:") {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `${url.href.slice(0, 200)} is not a file: URL; fetch it yourself and give the bytes.`,
    );
  }
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new UnSAMError("E_BAD_IMAGE", `${url.href.slice(0, 200)} is not the URL of a local file.`, {
      cause,
    });
  }
}

async function readImageFile(path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) {
      throw new UnSAMError("E_BAD_IMAGE", `“${path}” is a directory; give the path of an image file.`);
    }
    if (!stats.isFile()) {
      throw new UnSAMError("E_BAD_IMAGE", `“${path}” is not a regular file; give the path of an image file.`);
    }
    return await readFile(path, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof UnSAMError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      const advice = /^[a-z][a-z+.-]+:\/\//i.test(path)
        ? "addresses are not fetched: download it, or give the bytes"
        : "check the path";
      throw new UnSAMError("E_BAD_IMAGE", `There is no file “${path}”; ${advice}.`, { cause });
    }
    throw new UnSAMError("E_BAD_IMAGE", `“${path}” cannot be read: ${reason(cause)}.`, { cause });
  }
}

/** `name` begins a sentence about the image. */
async function decodeBytes(
  bytes: Uint8Array,
  name: string,
  maxPixels: number,
  signal: AbortSignal | undefined,
  upright = true,
): Promise<RgbImage> {
  if (bytes.length === 0) throw new UnSAMError("E_BAD_IMAGE", `${name} is empty (0 bytes).`);
  const metadata = await readHeader(bytes, name, signal);
  const { width, height } = metadata;
  if (metadata.format === "svg") {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `${name} is an SVG drawing; render it to PNG at the size you want first.`,
    );
  }
  if (metadata.depth !== "uchar" && metadata.depth !== "ushort") {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `${name} has samples of type ${metadata.depth}, whose range is unknown; convert it to 8 or 16 bits first.`,
    );
  }
  checkPixels(name, { width, height }, maxPixels, "E_BAD_IMAGE");
  const pipeline = sharp(bytes, {
    ...decoding(maxPixels),
    // Converting sRGB to sRGB through its profile would change bytes by one here and there.
    ignoreIcc: metadata.icc !== undefined && isSrgbProfile(metadata.icc),
  });
  return toRgb(upright ? pipeline.autoOrient() : pipeline, name, signal);
}

async function readHeader(
  bytes: Uint8Array,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Metadata> {
  try {
    // The size is checked right after this, with a message that names our own limit.
    return await abortable(sharp(bytes, { limitInputPixels: false }).metadata(), signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new UnSAMError("E_BAD_IMAGE", `${name} is not an image that can be read: ${reason(cause)}.`, {
      cause,
    });
  }
}

/** A pipeline counts as the file it would write, with its EXIF orientation kept if it has not turned the image itself. */
async function decodePipeline(
  input: Sharp,
  maxPixels: number,
  signal: AbortSignal | undefined,
): Promise<RgbImage> {
  const name = "The sharp pipeline";
  let bytes: Buffer;
  try {
    const { width, height } = await abortable(input.clone().metadata(), signal);
    checkPixels("The input of the sharp pipeline", { width, height }, maxPixels, "E_BAD_IMAGE");
    bytes = await abortable(input.clone().keepExif().tiff({ compression: "none" }).toBuffer(), signal);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof UnSAMError) throw cause;
    throw new UnSAMError("E_BAD_IMAGE", `${name} failed: ${reason(cause)}.`, { cause });
  }
  return decodeBytes(bytes, "The image of the sharp pipeline", maxPixels, signal);
}

async function decodeRaw(
  { data, width, height, channels }: RawImage,
  maxPixels: number,
  signal: AbortSignal | undefined,
): Promise<RgbImage> {
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `The data of a raw image is ${describe(data)}; give a Uint8Array with 8 bits a sample.`,
    );
  }
  for (const [key, value, most] of [
    ["width", width, 2 ** 31 - 1],
    ["height", height, 2 ** 31 - 1],
    ["channels", channels, 4],
  ] as const) {
    if (!(Number.isInteger(value) && value >= 1 && value <= most)) {
      throw new UnSAMError(
        "E_BAD_IMAGE",
        `The ${key} of a raw image is ${String(value)}; it must be a whole number from 1${most === 4 ? " to 4" : ""}.`,
      );
    }
  }
  if (data.length !== width * height * channels) {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `A raw image of ${width}×${height} pixels and ${channels} channels takes ${width * height * channels} bytes, not ${data.length}.`,
    );
  }
  checkPixels("The raw image", { width, height }, maxPixels, "E_BAD_IMAGE");
  const pipeline = sharp(data, { ...decoding(maxPixels), raw: { width, height, channels } });
  return toRgb(pipeline, "The raw image", signal);
}

function decoding(maxPixels: number): SharpOptions {
  return {
    failOn: "error",
    unlimited: false,
    limitInputPixels: Number.isFinite(maxPixels) ? Math.floor(maxPixels) : false,
  };
}

async function toRgb(pipeline: Sharp, name: string, signal: AbortSignal | undefined): Promise<RgbImage> {
  let result: { data: Buffer; info: { width: number; height: number; channels: number } };
  try {
    result = await abortable(
      pipeline
        .removeAlpha()
        .toColourspace("srgb")
        .raw({ depth: "uchar" })
        .toBuffer({ resolveWithObject: true }),
      signal,
    );
  } catch (cause) {
    signal?.throwIfAborted();
    throw new UnSAMError("E_BAD_IMAGE", `${name} is damaged and cannot be decoded: ${reason(cause)}.`, {
      cause,
    });
  }
  const { data, info } = result;
  if (info.channels !== 3) {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `${name} cannot be converted to RGB: it has ${info.channels} channels of unknown meaning.`,
    );
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { data: bytes, width: info.width, height: info.height };
}

/** sharp cannot stop half-way; the caller at least does not wait for it. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Pipelines may come from another copy of sharp than ours, so `instanceof` does not tell. */
function isSharp(input: unknown): input is Sharp {
  const candidate = input as Partial<Sharp> | null;
  return (
    typeof candidate === "object" &&
    typeof candidate?.clone === "function" &&
    typeof candidate.metadata === "function" &&
    typeof candidate.toBuffer === "function"
  );
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "object") return `an object of type ${value.constructor?.name ?? "unknown"}`;
  return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
}

/** The first line of a library's message, without its full stop. */
function reason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.trim().split("\n")[0].replace(/\.$/, "");
}
