/// <reference types="node" preserve="true" />
import { createHash, randomUUID } from "node:crypto";
import { constants, readlinkSync } from "node:fs";
import { access, type FileHandle, link, lstat, open, readdir, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { reasonOf, shown } from "./read.js";

// A temporary name says who is writing, so that leftovers of a process that died can be told from work in progress:
// .unsam-<machine>-<process>-<random>.tmp. It is 46 characters at most, however long the final name is.
export const MACHINE: string = createHash("sha256").update(machine()).digest("hex").slice(0, 8);
const TEMPORARY = /^\.unsam-([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{16}\.tmp$/;
/** Nobody writes at one file for so long. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/** Where numbers of processes mean the same: containers share a host's name, but not its processes. */
function machine(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

/** A name for a file or folder in progress, in `folder`. */
export function temporaryPath(folder: string): string {
  const random = randomUUID().replaceAll("-", "").slice(0, 16);
  return path.join(folder, `.unsam-${MACHINE}-${process.pid}-${random}.tmp`);
}

/**
 * Why a file cannot be put under a name, as the end of a sentence; null: it can. Only a regular file is replaced, never a
 * device or a pipe; a link to a regular file is replaced, not followed.
 */
export async function problemOfTarget(file: string): Promise<string | null> {
  const found = await stat(file).catch(() => null);
  if (found?.isDirectory()) return "is a folder; give the name of a file";
  if (found && !found.isFile()) return "is a pipe, a device or a socket; give the name of a file";
  const folder = path.dirname(path.resolve(file));
  const above = await stat(folder).catch(() => null);
  if (!above?.isDirectory()) return `cannot be made, for there is no folder ${shown(folder)}`;
  const writable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return writable ? null : `cannot be made, for the folder ${shown(folder)} cannot be written`;
}

/**
 * Writes a file that appears under `file` only when it is whole: until then its bytes go to a temporary file in the
 * same folder, which is removed on failure. Throws `E_IO` where no file can be put there, and what `write` and the system
 * throw.
 */
export async function writeWholeFile(
  file: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const problem = await problemOfTarget(file);
  if (problem !== null) throw new UnSAMError("E_IO", `${shown(file)} ${problem}.`);
  const temporary = temporaryPath(path.dirname(file));
  try {
    await fill(temporary, write);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Writes a new file and, unless it does not matter, waits until it is on the disk. */
async function fill(file: string, write: (file: FileHandle) => Promise<void>, lasts = true): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await write(handle);
    if (lasts) await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes content to a file whole or not at all. Throws `E_IO`. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await explained(file, () => writeWholeFile(file, (handle) => handle.writeFile(content)));
}

/**
 * Writes a file that is not there yet, whole or not at all. Of several processes that do so at once, one succeeds; false:
 * another was first, and its file is whole. Throws `E_IO`.
 * @param options.lasts whether it must be there after the machine has failed (default true)
 */
export async function createWhole(
  file: string,
  content: string | Uint8Array,
  { lasts = true }: { readonly lasts?: boolean } = {},
): Promise<boolean> {
  const temporary = temporaryPath(path.dirname(file));
  return explained(file, async () => {
    try {
      await fill(temporary, (handle) => handle.writeFile(content), lasts);
      await link(temporary, file);
      return true;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "EEXIST") return false;
      // File systems without hard links: not whole for a moment, if the process dies right then.
      if (code === "EPERM" || code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOSYS") {
        return await writeNew(file, content);
      }
      throw cause;
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

async function writeNew(file: string, content: string | Uint8Array): Promise<boolean> {
  try {
    await fill(file, (handle) => handle.writeFile(content));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw cause;
  }
}

async function explained<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError("E_IO", `${shown(file)} could not be written: ${reasonOf(cause)}.`, { cause });
  }
}

/**
 * Removes what processes of this user left unfinished in a folder when they died: dead ones of this machine, and those of other
 * machines whose file is a day old. Never touches the work of living ones.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, machine, pid] = TEMPORARY.exec(name) ?? [];
    if (pid === undefined) continue;
    const file = path.join(folder, name);
    const found = await lstat(file).catch(() => null);
    // In a folder such as /tmp somebody else may have put a trap under such a name.
    if (!found || (process.geteuid && found.uid !== process.geteuid())) continue;
    const isOld = Date.now() - found.mtimeMs > ABANDONED_MS;
    if (machine === MACHINE ? !isAlive(Number(pid)) : isOld) {
      await rm(file, { force: true, recursive: true }).catch(() => {});
    }
  }
}

/** Whether a process of this machine lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // EPERM: it lives and is somebody else's.
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
