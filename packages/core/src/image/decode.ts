import { fileURLToPath } from "node:url";
import sharp, { type Metadata, type Sharp, type SharpOptions } from "sharp";
import { UnSAMError } from "../errors.js";
import {
  DEFAULT_MAX_FILE_BYTES,
  lookAtFile,
  type ReadOptions,
  readFileBytes,
  reasonOf as reason,
  shown,
} from "../files/index.js";
import { checkLimits, checkPixels, DEFAULT_MAX_PIXELS } from "../limits/index.js";
import { abortable } from "../runtime/abortable.js";
import { checkFormat, type ImageFormat } from "./format.js";
import { isSrgbProfile } from "./icc.js";
import type { ImageInput, RawImage } from "./input.js";
import type { RgbImage } from "./rgb-image.js";

const TOO_LARGE =
  "make it smaller, raise maxPixels if you trust it, or find everything in it in tiles (everythingTiled, --tiles)";

/** Larger files than what pixels of 16 bits and four channels take are not read for an image. */
const MOST_BYTES_A_PIXEL = 8;

export interface DecodeOptions {
  /** Images of more pixels than this are refused before they are decoded (`Limits`). 100 million; may be Infinity. */
  readonly maxPixels?: number;
  /** false: pixels stay where the file stores them, whatever its EXIF orientation says. Files and their bytes only. */
  readonly upright?: boolean;
  /** Which picture of an animation or of a document of several pages; the first one by default. Files and their bytes only. */
  readonly page?: number;
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
 * - Files of other formats are refused by their first bytes, before libvips sees them: SVG, PDF, HEIC …
 * - Floating-point samples are refused (their range is for the caller to choose).
 *
 * The caller's bytes are read until the promise settles, never written to and not kept; the result is a copy.
 *
 * Throws `E_BAD_IMAGE` for what cannot be decoded or is too large, `E_BAD_OPTION` for a senseless limit, and the
 * signal's reason when aborted. Decoding runs on sharp's threads, not on the event loop.
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions = {}): Promise<RgbImage> {
  return (await inspectImage(input, options)).decode();
}

/** An image that was found to be one, before its pixels are decoded. */
export interface InspectedImage {
  /** How many there are. */
  readonly pixels: number;
  /** To be called once, if at all. `onPixels` is called with the number of pixels where there turn out to be more. */
  decode(onPixels?: (pixels: number) => void): Promise<RgbImage>;
}

/**
 * Does the cheap part of `decodeImage`: reads a file, looks at the header and refuses what cannot be decoded. Of a sharp
 * pipeline only the input is looked at.
 */
export async function inspectImage(input: ImageInput, options: DecodeOptions = {}): Promise<InspectedImage> {
  const { maxPixels = DEFAULT_MAX_PIXELS, upright = true, page = 0, signal } = options;
  checkLimits({ maxPixels });
  signal?.throwIfAborted();
  if (isPath(input)) {
    const path = input instanceof URL ? pathOf(input) : input;
    const bytes = await readImageFile(path, maxPixels, signal);
    return inspectBytes(bytes, named(path), maxPixels, signal, { upright, page });
  }
  if (input instanceof Uint8Array)
    return inspectBytes(input, "The image", maxPixels, signal, { upright, page });
  if (isSharp(input)) return inspectPipeline(input, maxPixels, signal);
  if (typeof input === "object" && input !== null && "data" in input)
    return inspectRaw(input, maxPixels, signal);
  throw new UnSAMError(
    "E_BAD_IMAGE",
    `An image cannot be ${describe(input)}; give a path, a file: URL, the bytes of a file, { data, width, height, channels } or a sharp pipeline.`,
  );
}

/** Whether an image has to be read before anything is known of it. */
export function isPath(input: ImageInput): input is string | URL {
  return typeof input === "string" || input instanceof URL;
}

/** Whether sharp is at work in this process, which it cannot be told to stop. */
export function decodingInFlight(): boolean {
  const { queue, process } = sharp.counters();
  return queue + process > 0;
}

/** The path of a `file:` URL. Throws `E_BAD_IMAGE`. */
export function pathOf(url: URL): string {
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

/** Throws `E_BAD_IMAGE` where a path leads to no file that begins like an image; nothing else of it is read. */
export async function checkImageFile(path: string, signal?: AbortSignal): Promise<void> {
  await explained(path, () => lookAtFile(path, fileOptions(path, DEFAULT_MAX_PIXELS, signal)));
}

/**
 * What the header of an image file says; the rest of the file is not read. `what` begins sentences about it. Throws
 * `E_BAD_IMAGE`, or `systemCode` where there is no such file.
 */
export async function readHeaderOfFile(
  path: string,
  options: Partial<Pick<ReadOptions, "what" | "systemCode">> & { readonly signal?: AbortSignal | undefined },
): Promise<Metadata> {
  const { what = THE_IMAGE, systemCode, signal } = options;
  const name = `${what} ${shown(path)}`;
  let format: ImageFormat | undefined;
  const look = (head: Uint8Array) => {
    format = checkFormat(head, name);
  };
  await explained(path, () => lookAtFile(path, { what, code: "E_BAD_IMAGE", systemCode, signal, look }));
  // An empty file has no first bytes to look at.
  return headerOf(path, format ?? checkFormat(new Uint8Array(0), name), name, signal);
}

function readImageFile(
  path: string,
  maxPixels: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  return explained(path, () => readFileBytes(path, fileOptions(path, maxPixels, signal)));
}

function fileOptions(path: string, maxPixels: number, signal: AbortSignal | undefined): ReadOptions {
  return {
    what: THE_IMAGE,
    code: "E_BAD_IMAGE",
    maxBytes: Math.max(DEFAULT_MAX_FILE_BYTES, MOST_BYTES_A_PIXEL * maxPixels),
    look: (head) => checkFormat(head, named(path)),
    signal,
  };
}

/** Runs a look at a file; people who give an address are told that addresses are not fetched. */
async function explained<T>(path: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (cause) {
    const system = UnSAMError.isInstance(cause)
      ? (cause.cause as NodeJS.ErrnoException | undefined)
      : undefined;
    if (system?.code !== "ENOENT" || !/^[a-z][a-z+.-]+:\/\//i.test(path)) throw cause;
    const advice = "addresses are not fetched: download it, or give the bytes";
    throw new UnSAMError("E_BAD_IMAGE", `There is no file ${shown(path)}; ${advice}.`, { cause });
  }
}

/** How an image is called in errors. */
const THE_IMAGE = "The image";

/** How an image of a file is called in errors; begins a sentence. */
export function named(path: string): string {
  return `${THE_IMAGE} ${shown(path)}`;
}

/** `name` begins a sentence about the image. */
async function inspectBytes(
  bytes: Uint8Array,
  name: string,
  maxPixels: number,
  signal: AbortSignal | undefined,
  { upright, page }: { readonly upright: boolean; readonly page: number } = { upright: true, page: 0 },
): Promise<InspectedImage> {
  const metadata = await readImageHeader(bytes, name, signal);
  const { width, height } = metadata;
  checkSamples(metadata, name);
  checkPixels(name, { width, height }, maxPixels, "E_BAD_IMAGE", TOO_LARGE);
  const decode = () => {
    const pipeline = sharp(bytes, {
      ...decoding(maxPixels),
      ...(page > 0 ? { page } : {}),
      // Converting sRGB to sRGB through its profile would change bytes by one here and there.
      ignoreIcc: metadata.icc !== undefined && isSrgbProfile(metadata.icc),
    });
    return toRgb(upright ? pipeline.autoOrient() : pipeline, name, signal);
  };
  return { pixels: width * height, decode };
}

/** Throws `E_BAD_IMAGE` for samples of a type whose range is unknown. */
export function checkSamples({ depth }: Metadata, name: string): void {
  if (depth === "uchar" || depth === "ushort") return;
  throw new UnSAMError(
    "E_BAD_IMAGE",
    `${name} has samples of type ${depth}, whose range is unknown; convert it to 8 or 16 bits first.`,
  );
}

/** What the header of an image file says, from its bytes. `name` begins sentences about it. Throws `E_BAD_IMAGE`. */
export async function readImageHeader(
  bytes: Uint8Array,
  name: string,
  signal?: AbortSignal,
): Promise<Metadata> {
  // libvips draws SVG and PDF, and opens whatever else its build can: it gets nothing but the formats named there.
  return headerOf(bytes, checkFormat(bytes, name), name, signal);
}

/** `source`: a file that begins like `format`, or its bytes. */
async function headerOf(
  source: Uint8Array | string,
  format: ImageFormat,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Metadata> {
  let metadata: Metadata;
  try {
    // Whoever decodes checks the size, with a message that names our own limit.
    metadata = await abortable(sharp(source, { limitInputPixels: false }).metadata(), signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new UnSAMError("E_BAD_IMAGE", `${name} is not an image that can be read: ${reason(cause)}.`, {
      cause,
    });
  }
  if (metadata.format === (format === "avif" ? "heif" : format)) return metadata;
  throw new UnSAMError(
    "E_BAD_IMAGE",
    `${name} begins like ${format}, but is ${metadata.format}; convert it to PNG or JPEG first.`,
  );
}

/** A pipeline counts as the file it would write, with its EXIF orientation kept if it has not turned the image itself. */
async function inspectPipeline(
  input: Sharp,
  maxPixels: number,
  signal: AbortSignal | undefined,
): Promise<InspectedImage> {
  const run = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await abortable(work, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      throw new UnSAMError("E_BAD_IMAGE", `The sharp pipeline failed: ${reason(cause)}.`, { cause });
    }
  };
  const { width, height } = await run(input.clone().metadata());
  checkPixels("The input of the sharp pipeline", { width, height }, maxPixels, "E_BAD_IMAGE");
  return {
    pixels: width * height,
    async decode(onPixels) {
      const bytes = await run(input.clone().keepExif().tiff({ compression: "none" }).toBuffer());
      const output = await inspectBytes(bytes, "The image of the sharp pipeline", maxPixels, signal);
      if (output.pixels > width * height) onPixels?.(output.pixels);
      return output.decode();
    },
  };
}

function inspectRaw(
  { data, width, height, channels }: RawImage,
  maxPixels: number,
  signal: AbortSignal | undefined,
): InspectedImage {
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
  const decode = () => {
    const pipeline = sharp(data, { ...decoding(maxPixels), raw: { width, height, channels } });
    return toRgb(pipeline, "The raw image", signal);
  };
  return { pixels: width * height, decode };
}

function decoding(maxPixels: number): SharpOptions {
  return {
    failOn: "error",
    unlimited: false,
    limitInputPixels: Number.isFinite(maxPixels) ? Math.floor(maxPixels) : false,
  };
}

/** What a pipeline puts out, as 8-bit sRGB. `name` begins sentences about it. Throws `E_BAD_IMAGE`. */
export async function toRgb(
  pipeline: Sharp,
  name: string,
  signal: AbortSignal | undefined,
): Promise<RgbImage> {
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

/** A value that is no image, for errors. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "object") return `an object of type ${value.constructor?.name ?? "unknown"}`;
  return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
}
