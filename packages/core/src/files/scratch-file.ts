import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { makeFolder } from "./folders.js";
import { reasonOf, shown } from "./read.js";

/**
 * A file for what does not fit in memory, which nobody else reads. It has no name once it is open, so the system takes it back when the
 * process ends, however it ends.
 */
export class ScratchFile {
  readonly #folder: string;
  readonly #handle: FileHandle;

  private constructor(folder: string, handle: FileHandle) {
    this.#folder = folder;
    this.#handle = handle;
  }

  /** Makes the folder where it is missing. Throws `E_IO`. */
  static async create(folder: string): Promise<ScratchFile> {
    await makeFolder(folder);
    const file = path.join(folder, `.unsam-${randomUUID()}.scratch`);
    let handle: FileHandle | null = null;
    try {
      handle = await open(file, "wx+", 0o600);
      await rm(file);
      return new ScratchFile(folder, handle);
    } catch (cause) {
      await handle?.close().catch(() => {});
      await rm(file, { force: true }).catch(() => {});
      throw new UnSAMError("E_IO", `No file can be made in ${shown(folder)}: ${reasonOf(cause)}.`, { cause });
    }
  }

  /** Writes the arrays one after the other from the byte `at` on. Throws `E_IO`, among others where the disk is full. */
  async write(at: number, arrays: readonly Uint8Array[]): Promise<void> {
    for (const bytes of arrays) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle
          .write(bytes, done, bytes.length - done, at + done)
          .catch((cause) => this.#fail(cause));
        done += bytesWritten;
      }
      at += bytes.length;
    }
  }

  /** Fills the arrays with what was written from the byte `at` on. Throws `E_IO`. */
  async read(at: number, arrays: readonly Uint8Array[]): Promise<void> {
    for (const bytes of arrays) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await this.#handle
          .read(bytes, done, bytes.length - done, at + done)
          .catch((cause) => this.#fail(cause));
        if (bytesRead === 0) this.#fail(new Error("it ends too early"));
        done += bytesRead;
      }
      at += bytes.length;
    }
  }

  /** Gives its room on the disk back. */
  async close(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  #fail(cause: unknown): never {
    const problem = `What was put aside in ${shown(this.#folder)} failed: ${reasonOf(cause)}`;
    throw new UnSAMError("E_IO", `${problem}; make room there, or name another folder.`, { cause });
  }
}
