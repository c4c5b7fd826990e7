import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { reasonOf, shown } from "./read.js";

// A temporary name says who is writing, so that leftovers of a process that died can be told from work in progress:
// .unsam-<host>-<process>-<random>.tmp. It is 46 characters at most, however long the final name is.
const HOST = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
const TEMPORARY = /^\.unsam-([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{16}\.tmp$/;

/** A name for a file or folder in progress, in `folder`. */
export function temporaryPath(folder: string): string {
  const random = randomUUID().replaceAll("-", "").slice(0, 16);
  return path.join(folder, `.unsam-${HOST}-${process.pid}-${random}.tmp`);
}

/**
 * Writes a file that appears under `file` only when it is whole: until then its bytes go to a temporary file in the
 * same folder, which is removed on failure. Throws what `write` and the system throw.
 */
export async function writeWholeFile(
  file: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = temporaryPath(path.dirname(file));
  const handle = await open(temporary, "wx");
  try {
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Writes content to a file whole or not at all. Throws `E_IO`. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeWholeFile(file, (handle) => handle.writeFile(content));
  } catch (cause) {
    throw new UnSAMError("E_IO", `${shown(file)} could not be written: ${reasonOf(cause)}.`, { cause });
  }
}

/** Removes what processes of this machine left unfinished in a folder when they died. Never touches living ones' files. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, host, pid] = TEMPORARY.exec(name) ?? [];
    if (host !== HOST || isAlive(Number(pid))) continue;
    await rm(path.join(folder, name), { force: true, recursive: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // EPERM: it lives and is somebody else's.
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
