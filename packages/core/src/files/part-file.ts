import { constants } from "node:fs";
import { type FileHandle, open, rename, rm, statfs } from "node:fs/promises";
import path from "node:path";
import type { Abortable } from "../abortable.js";
import { UnSAMError } from "../errors.js";
import { reasonOf, shown } from "./read.js";

const PIECE = 2 ** 20;
/** Codes of a write for which there is no room: disk, quota, limit of the process. */
const NO_ROOM: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/**
 * A file that grows under a name of its own, over several attempts and processes, until it is whole and takes its final
 * name. Whoever opens it holds a lock (`lockFile`).
 */
export class PartFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #size: number;

  private constructor(file: string, handle: FileHandle, size: number) {
    this.path = file;
    this.#handle = handle;
    this.#size = size;
  }

  /** Opens what is there already, or begins. A link is not followed. Throws `E_IO`. */
  static async open(file: string): Promise<PartFile> {
    const flags =
      constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    let handle: FileHandle | null = null;
    try {
      handle = await open(file, flags, 0o666);
      const stats = await handle.stat();
      if (stats.isFile()) return new PartFile(file, handle, stats.size);
    } catch (cause) {
      await handle?.close();
      throw new UnSAMError("E_IO", `${shown(file)} could not be written: ${reasonOf(cause)}.`, { cause });
    }
    await handle.close();
    throw new UnSAMError("E_IO", `${shown(file)} is in the way: it is no regular file; remove it.`);
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  /** Shows all bytes that are there, in pieces of at most 1 MiB. */
  async read(show: (piece: Uint8Array) => void, signal?: Abortable): Promise<void> {
    const piece = new Uint8Array(PIECE);
    for (let at = 0; at < this.#size; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await this.#handle.read(piece, 0, Math.min(PIECE, this.#size - at), at);
      if (bytesRead === 0)
        throw new UnSAMError("E_IO", `${shown(this.path)} became shorter while it was read.`);
      show(piece.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  /** Throws `E_IO`; where there is no room, what is there is emptied first, so that the disk does not stay full. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#size);
        done += bytesWritten;
        this.#size += bytesWritten;
      }
    } catch (cause) {
      if (!NO_ROOM.has((cause as NodeJS.ErrnoException).code)) {
        throw new UnSAMError("E_IO", `${shown(this.path)} could not be written: ${reasonOf(cause)}.`, {
          cause,
        });
      }
      const reached = this.#size;
      await this.empty().catch(() => {});
      throw noRoom(this.path, `it was full after ${reached} bytes`, cause);
    }
  }

  async empty(): Promise<void> {
    await this.#handle.truncate(0);
    this.#size = 0;
  }

  /** Throws `E_IO` where the disk does not hold so many bytes more. */
  async checkRoom(bytes: number): Promise<void> {
    const found = await statfs(path.dirname(this.path)).catch(() => null);
    // Some file systems do not know and say 0 of 0.
    if (!found || found.blocks === 0 || found.bavail * found.bsize >= bytes) return;
    throw noRoom(this.path, `${bytes} more bytes are needed, and ${found.bavail * found.bsize} are free`);
  }

  /** The file is whole: it takes its final name, in place of what is there. Throws `E_IO`. */
  async finish(file: string): Promise<void> {
    try {
      await this.#handle.sync();
      // Windows renames no open file.
      await this.#handle.close();
      await rename(this.path, file);
    } catch (cause) {
      throw new UnSAMError("E_IO", `${shown(file)} could not be written: ${reasonOf(cause)}.`, { cause });
    }
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  /** What is there stays, for another attempt. */
  async close(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }
}

function noRoom(file: string, why: string, cause?: unknown): UnSAMError {
  return new UnSAMError(
    "E_IO",
    `There is no room for the file in ${shown(path.dirname(file))}: ${why}; make room, or name another folder.`,
    cause === undefined ? {} : { cause },
  );
}
