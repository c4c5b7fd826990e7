import type { FileHandle } from "node:fs/promises";
import { openRegularFile, type ReadOptions } from "../files/index.js";
import { FormatError } from "./format-error.js";

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

  /** Throws what `openRegularFile` throws; the options call the file a checkpoint unless they say otherwise. */
  static async open(
    path: string,
    signal?: AbortSignal,
    { what, code }: Pick<ReadOptions, "what" | "code"> = { what: "Checkpoint", code: "E_BAD_CHECKPOINT" },
  ): Promise<FileSource> {
    const { handle, size } = await openRegularFile(path, { what, code, signal });
    return new FileSource(handle, size);
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
