import { type ErrorCode, UnSAMError } from "../errors.js";

/** Pixels of one image, mask or label map: twice the largest photo of today's telephones. */
export const DEFAULT_MAX_PIXELS = 100_000_000;

/** Bytes that all masks and maps of one file take together, once they are unpacked. */
export const DEFAULT_MAX_BYTES = 2 ** 30;

/**
 * What a file may ask for. A few bytes of text can name masks of any size and number, so whoever reads such a file
 * counts what it would take and refuses it before anything is allocated. Callers raise a limit for files they trust;
 * `Infinity` lifts it.
 */
export interface Limits {
  /** Pixels of one image, mask or label map (default 100 million). */
  readonly maxPixels?: number | undefined;
  /** Bytes that everything in the file takes in memory together, unpacked (default 1 GiB). */
  readonly maxBytes?: number | undefined;
  /** Bytes of the header, in formats that have one; the default depends on the format. */
  readonly maxHeaderBytes?: number | undefined;
}

/** Throws `E_BAD_OPTION` for a limit that is none. */
export function checkLimits({ maxPixels, maxBytes, maxHeaderBytes }: Limits): void {
  for (const [name, limit] of Object.entries({ maxPixels, maxBytes, maxHeaderBytes })) {
    if (limit === undefined || (typeof limit === "number" && limit >= 1)) continue;
    throw new UnSAMError("E_BAD_OPTION", `${name} is ${limit}; it must be a number from 1, or Infinity.`);
  }
}

/** A mask keeps rows of whole 32-bit words: one of narrower rows takes more than the byte a pixel that is reckoned with. */
const NARROW_ROW = 4;
/** Smaller masks are never refused for narrow rows. */
const SMALL = 2 ** 20;

/**
 * Throws where an image or mask has more pixels than allowed. `name` begins the sentence: "The label map “a.png”"; `advice` ends it.
 * Above a million, rows of fewer than 4 pixels count as 4: a mask of a hundred million rows of one pixel is 400 MB.
 */
export function checkPixels(
  name: string,
  { width, height }: { readonly width: number; readonly height: number },
  maxPixels = DEFAULT_MAX_PIXELS,
  code: ErrorCode = "E_BAD_FILE",
  advice = "make it smaller, or raise maxPixels if you trust it",
): void {
  const fits = width * height <= maxPixels;
  if (fits && Math.max(width, NARROW_ROW) * height <= Math.max(maxPixels, SMALL)) return;
  const narrow = fits ? ` (rows of fewer than ${NARROW_ROW} count as ${NARROW_ROW})` : "";
  throw new UnSAMError(
    code,
    `${name} has ${width}×${height} pixels${narrow}, more than the limit of ${maxPixels}; ${advice}.`,
  );
}

/** Bytes of a bit-packed mask in the layout of `Mask`. */
export function maskBytes(width: number, height: number): number {
  return 4 * Math.ceil(width / 32) * height;
}

/** Counts what a file asks for against `maxBytes`. One for each file. */
export class Budget {
  readonly #name: string;
  readonly #most: number;
  readonly #code: ErrorCode;
  #taken = 0;

  /** `name` begins the sentence of the error: "The scene file “a.json”". */
  constructor(name: string, maxBytes = DEFAULT_MAX_BYTES, code: ErrorCode = "E_BAD_FILE") {
    this.#name = name;
    this.#most = maxBytes;
    this.#code = code;
  }

  /** To be called before `bytes` more are allocated or filled. Throws where the file has asked for too much. */
  take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken <= this.#most) return;
    throw new UnSAMError(
      this.#code,
      `${this.#name} takes more than ${this.#most} bytes once it is unpacked; make it smaller, or raise maxBytes if you trust it.`,
    );
  }
}
