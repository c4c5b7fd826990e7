import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { UnSAMError } from "../errors.js";
import { FormatError, isSystemError, quoted } from "./format-error.js";

/** Bytes that can be read from any place; parsers see files only through this. */
export interface ByteSource {
  /** Bytes in the source when it was opened. */
  readonly byteLength: number;
  /** Fills `target` with the bytes from `offset` on. Throws `FormatError` where the source ends before that. */
  readInto(target: Uint8Array, offset: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Allocates `length` bytes and fills them from `offset`. The range is checked against the source before
 * anything is allocated, so an untrusted `length` is harmless.
 */
export async function readBytes(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  if (!isRangeWithin(offset, length, source.byteLength)) {
    throw new FormatError(
      `bytes ${offset} to ${offset + length} lie outside the file of ${source.byteLength} bytes.`,
    );
  }
  const bytes = new Uint8Array(length);
  await source.readInto(bytes, offset);
  return bytes;
}

/** Whether `[offset, offset + length)` lies within `[0, limit)`, without overflow. */
export function isRangeWithin(offset: number, length: number, limit: number): boolean {
  return (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset <= limit &&
    length <= limit - offset
  );
}

export class MemorySource implements ByteSource {
  readonly byteLength: number;

  constructor(private readonly bytes: Uint8Array) {
    this.byteLength = bytes.length;
  }

  async readInto(target: Uint8Array, offset: number): Promise<void> {
    if (!isRangeWithin(offset, target.length, this.byteLength)) throw endedEarly(offset + target.length);
    target.set(this.bytes.subarray(offset, offset + target.length));
  }

  async close(): Promise<void> {}
}

/** A regular file, read at offsets through one handle. */
export class FileSource implements ByteSource {
  private constructor(
    private readonly handle: FileHandle,
    readonly byteLength: number,
  ) {}

  /**
   * Throws `E_BAD_CHECKPOINT` where there is no such file or it is no regular file, and leaves other system errors
   * (no permission, too many open files) as they are.
   */
  static async open(path: string): Promise<FileSource> {
    const handle = await openWithoutWaiting(path);
    try {
      const stats = await handle.stat();
      if (stats.isDirectory()) {
        throw new UnSAMError(
          "E_BAD_CHECKPOINT",
          `Checkpoint ${path} is a directory; give the path of a file.`,
        );
      }
      if (!stats.isFile()) {
        throw new UnSAMError("E_BAD_CHECKPOINT", `Checkpoint ${path} is not a regular file.`);
      }
      return new FileSource(handle, stats.size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async readInto(target: Uint8Array, offset: number): Promise<void> {
    if (!isRangeWithin(offset, target.length, this.byteLength)) throw endedEarly(offset + target.length);
    let filled = 0;
    while (filled < target.length) {
      const { bytesRead } = await this.handle.read(target, filled, target.length - filled, offset + filled);
      if (bytesRead === 0) throw endedEarly(offset + target.length);
      filled += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

function endedEarly(end: number): FormatError {
  return new FormatError(
    `the file ends before byte ${end}; it is truncated, or was changed while it was open.`,
  );
}

/** `O_NONBLOCK` keeps a named pipe given as path from holding a file-system thread for ever. */
async function openWithoutWaiting(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (isSystemError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      throw new UnSAMError("E_BAD_CHECKPOINT", `Checkpoint ${path} does not exist.`, { cause: error });
    }
    if (isSystemError(error) && (error.code === "EISDIR" || error.code === "ENXIO")) {
      throw new UnSAMError("E_BAD_CHECKPOINT", `Checkpoint ${path} is not a regular file.`, { cause: error });
    }
    if (error instanceof TypeError) {
      throw new UnSAMError("E_BAD_CHECKPOINT", `Checkpoint ${quoted(String(path))} cannot be a path.`, {
        cause: error,
      });
    }
    throw error;
  }
}
