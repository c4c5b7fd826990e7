/// <reference types="node" preserve="true" />
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Abortable } from "../abortable.js";
import { type ErrorCode, UnSAMError } from "../errors.js";
import { withoutUndefined } from "../options.js";

const MEBIBYTE = 2 ** 20;
/** Read at once; between two such pieces an abort is noticed. */
const PIECE = 4 * MEBIBYTE;
/** Shown to `look`. */
export const HEAD_BYTES = 4096;
/** Brackets within brackets in a JSON file. Nothing of ours comes near it. */
const DEEPEST_JSON = 100;

export const DEFAULT_MAX_FILE_BYTES = 1024 * MEBIBYTE;
export const DEFAULT_MAX_TEXT_BYTES = 256 * MEBIBYTE;

export interface ReadOptions {
  /** What the file is to the user; begins sentences: "The mask prompt", "Checkpoint". */
  readonly what: string;
  /** Code of every error about the file (default `E_IO`). */
  readonly code?: ErrorCode | undefined;
  /** Code where there is no such file, or the system refuses to read it (default: `code`). */
  readonly systemCode?: ErrorCode | undefined;
  /** Larger files are refused before they are read. */
  readonly maxBytes?: number | undefined;
  readonly signal?: Abortable | undefined;
  /** Is shown the first bytes of the file (4 KiB, or all) before the rest is read; throws where they will not do. */
  readonly look?: ((head: Uint8Array) => void) | undefined;
}

export interface ReadJsonOptions extends ReadOptions {
  /** A text of more numbers, strings, lists and objects is refused before anything is made of it (default: any). */
  readonly maxValues?: number | undefined;
}

export interface RegularFile {
  readonly handle: FileHandle;
  /** Bytes when it was opened. */
  readonly size: number;
}

/**
 * Opens a regular file for reading; the caller closes the handle. Every file that a user names is opened here: a named
 * pipe, a device, a socket or a folder, also behind a link, is refused before anything waits for it or reads it.
 */
export async function openRegularFile(path: string, options: ReadOptions): Promise<RegularFile> {
  options.signal?.throwIfAborted();
  const handle = await openWithoutWaiting(path, options);
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw failure(path, options, "is a folder; give the path of a file");
    if (!stats.isFile()) {
      throw failure(
        path,
        options,
        "is not a regular file (a pipe, a device or a socket); give the path of a file",
      );
    }
    return { handle, size: stats.size };
  } catch (cause) {
    await handle.close();
    throw UnSAMError.isInstance(cause) ? cause : systemFailure(path, options, cause);
  }
}

/** Shows the first bytes of a regular file to `options.look` and reads no more of it. */
export async function lookAtFile(path: string, options: ReadOptions): Promise<void> {
  const { handle, size } = await openRegularFile(path, options);
  try {
    await lookAt(handle, size, options);
  } catch (cause) {
    throw UnSAMError.isInstance(cause) ? cause : systemFailure(path, options, cause);
  } finally {
    await handle.close();
  }
}

async function lookAt(handle: FileHandle, size: number, { look }: ReadOptions): Promise<void> {
  if (!look) return;
  const head = new Uint8Array(size > 0 ? Math.min(size, HEAD_BYTES) : HEAD_BYTES);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  look(head.subarray(0, bytesRead));
}

/** The bytes of a regular file of at most `maxBytes` (default 1 GiB). Throws the code of `options`, or the signal's reason. */
export async function readFileBytes(path: string, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes = DEFAULT_MAX_FILE_BYTES, signal } = options;
  const { handle, size } = await openRegularFile(path, options);
  try {
    await lookAt(handle, size, options);
    if (size > maxBytes) throw tooLarge(path, options, size, maxBytes);
    // Files of the system say 0 and hold more; any file may grow while it is read.
    let bytes = new Uint8Array(Math.max(size, 4096));
    let filled = 0;
    for (;;) {
      signal?.throwIfAborted();
      if (filled === bytes.length) {
        const more = new Uint8Array(Math.min(2 * bytes.length, maxBytes + 1));
        more.set(bytes);
        bytes = more;
      }
      const { bytesRead } = await handle.read(bytes, filled, Math.min(PIECE, bytes.length - filled), filled);
      filled += bytesRead;
      if (filled > maxBytes) throw tooLarge(path, options, filled, maxBytes);
      if (bytesRead === 0 || (filled === size && size > 0)) return bytes.subarray(0, filled);
    }
  } catch (cause) {
    if (UnSAMError.isInstance(cause) || signal?.aborted) throw cause;
    throw systemFailure(path, options, cause);
  } finally {
    await handle.close();
  }
}

/** The text of a UTF-8 file of at most `maxBytes` (default 256 MiB), without its byte order mark. */
export async function readFileText(path: string, options: ReadOptions): Promise<string> {
  const bytes = await readFileBytes(path, { maxBytes: DEFAULT_MAX_TEXT_BYTES, ...withoutUndefined(options) });
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw failure(path, options, "is UTF-16 text; save it as UTF-8");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw failure(path, options, "is not UTF-8 text", cause);
  }
}

/** The content of a JSON file of at most `maxBytes` (default 256 MiB); a byte order mark is passed over. */
export async function readFileJson(path: string, options: ReadJsonOptions): Promise<unknown> {
  const { what, code, maxValues } = options;
  return parseJson(await readFileText(path, options), `${what} ${shown(path)}`, code, maxValues);
}

/** Parses JSON text that a user gave. `name` begins the sentence of an error: "The scene file “a.json”". */
export function parseJson(
  text: string,
  name: string,
  code: ErrorCode = "E_IO",
  maxValues = Number.POSITIVE_INFINITY,
): unknown {
  const { depth, values } = outlineOf(text);
  if (depth > DEEPEST_JSON) {
    throw new UnSAMError(
      code,
      `${name} nests deeper than ${DEEPEST_JSON} brackets; nothing that we write does.`,
    );
  }
  if (values > maxValues) {
    throw new UnSAMError(code, `${name} holds more than ${maxValues} values; that is no such file.`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnSAMError(code, `${name} is not JSON: ${reasonOf(cause)}.`, { cause });
  }
}

/**
 * How deep brackets nest, and how many values there are about: one more than commas and opening brackets, strings
 * aside. Parsers and validators of nested values recurse, and overflow the stack; each value takes tens of bytes.
 */
function outlineOf(text: string): { depth: number; values: number } {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x2c) values++;
    else if (c === 0x5b || c === 0x7b) {
      deepest = Math.max(deepest, ++depth);
      values++;
    } else if (c === 0x5d || c === 0x7d) depth--;
  }
  return { depth: deepest, values };
}

/** `O_NONBLOCK`: opening a named pipe would otherwise wait for a writer, for ever and past any abort. */
async function openWithoutWaiting(path: string, options: ReadOptions): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new UnSAMError(systemCodeOf(options), `There is no file ${shown(path)}; check the path.`, {
        cause,
      });
    }
    // A socket, or the write side of a pipe.
    if (code === "ENXIO")
      throw failure(path, options, "is not a regular file; give the path of a file", cause);
    throw systemFailure(path, options, cause);
  }
}

function tooLarge(path: string, options: ReadOptions, size: number, most: number): UnSAMError {
  return failure(path, options, `has ${size} bytes or more; at most ${most} are read`);
}

function failure(
  path: string,
  { what, code = "E_IO" }: ReadOptions,
  how: string,
  cause?: unknown,
): UnSAMError {
  return new UnSAMError(code, `${what} ${shown(path)} ${how}.`, cause === undefined ? {} : { cause });
}

function systemFailure(path: string, options: ReadOptions, cause: unknown): UnSAMError {
  const code = systemCodeOf(options);
  return failure(path, { ...options, code }, `cannot be read: ${reasonOf(cause)}`, cause);
}

function systemCodeOf({ code = "E_IO", systemCode = code }: ReadOptions): ErrorCode {
  return systemCode;
}

/** A path as errors show it: quoted, without control characters, of bounded length. */
export function shown(path: unknown): string {
  const text = String(path).replace(/\p{Cc}/gu, "?");
  return `“${text.length > 300 ? `…${text.slice(-300)}` : text}”`;
}

/** The first line of a system's message, without its full stop; never empty. */
export function reasonOf(cause: unknown): string {
  const { message, name } = cause instanceof Error ? cause : { message: String(cause), name: "" };
  return message.trim().split("\n")[0].slice(0, 300).replace(/\.$/, "") || name || "no reason was given";
}
