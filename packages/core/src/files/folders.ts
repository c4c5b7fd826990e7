/// <reference types="node" preserve="true" />
import { constants, type Stats } from "node:fs";
import { access, lstat, mkdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { reasonOf, shown } from "./read.js";

// Folders whose content is believed, such as the cache: nobody else may be able to put something there. Owners and modes
// are those of POSIX; on Windows only links are looked for, and the folder's access list is what protects it.

const POSIX = process.geteuid !== undefined;
/** Bits of a mode by which the group or anybody writes. */
const OTHERS_WRITE = 0o022;
/** In such a folder, as `/tmp` is, only its owner removes or renames an entry. */
const STICKY = 0o1000;

/**
 * Makes a folder that only its owner reads and writes, and what is missing above it, and checks that nobody else but root
 * can put anything into it. A folder that is there already is left as it is. Throws `E_IO` where it is not safe, and what
 * the system throws.
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  const problem = await problemOfPrivateFolder(folder);
  if (problem !== null) throw new UnSAMError("E_IO", `The folder ${shown(folder)} ${problem}.`);
  await makeFolders(path.resolve(folder), 0o700);
  // Somebody may have been faster in making it.
  const again = await problemOfPrivateFolder(folder);
  if (again !== null) throw new UnSAMError("E_IO", `The folder ${shown(folder)} ${again}.`);
}

/** Makes a folder for output that a user names, and what is missing above it. Throws `E_IO`. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(path.resolve(folder), 0o777);
    if ((await stat(folder)).isDirectory()) return;
  } catch (cause) {
    throw new UnSAMError("E_IO", `The folder ${shown(folder)} cannot be made: ${reasonOf(cause)}.`, {
      cause,
    });
  }
  throw new UnSAMError("E_IO", `${shown(folder)} is no folder; give another name for one.`);
}

/** Why what lies in a folder, or will once it is made, cannot be believed; the end of a sentence, or null. */
export async function problemOfPrivateFolder(folder: string): Promise<string | null> {
  const whole = path.resolve(folder);
  try {
    const found = await lstat(whole).catch(nothing);
    if (found?.isSymbolicLink()) return "is a link, which is not followed; name the folder itself";
    if (found && !found.isDirectory()) return "is a file";
    const problem = found ? unsafe(found, whole) : null;
    return problem ?? (await problemAbove(path.dirname(whole)));
  } catch (cause) {
    return `cannot be looked at: ${reasonOf(cause)}`;
  }
}

/** Whether a file or folder is what its owner made of it: no link, ours or root's, written by nobody else. */
export function isOurs(found: Stats): boolean {
  return !found.isSymbolicLink() && owned(found) && (!POSIX || (found.mode & OTHERS_WRITE) === 0);
}

/** Whether new files can be made in a folder, or in the nearest one above it that is there. */
export async function canBeMade(folder: string): Promise<boolean> {
  const here = await stat(folder).catch(() => null);
  const parent = path.dirname(folder);
  if (!here && parent !== folder) return canBeMade(parent);
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => here?.isDirectory() ?? false,
    () => false,
  );
}

/** Whoever can rename a folder above can put another in its place. Links there are followed to what they lead to. */
async function problemAbove(folder: string): Promise<string | null> {
  const real = await realpath(folder).catch(nothing);
  const parent = path.dirname(folder);
  if (real === null) return parent === folder ? null : problemAbove(parent);
  for (let at = real; ; at = path.dirname(at)) {
    const problem = unsafe(await stat(at), at);
    if (problem !== null) return `lies in ${shown(at)}, which ${problem}`;
    if (at === path.dirname(at)) return null;
  }
}

function unsafe(found: Stats, folder: string): string | null {
  if (!found.isDirectory()) return `is no folder: ${folder}`;
  if (!owned(found)) return `belongs to another user (number ${found.uid})`;
  if (POSIX && (found.mode & OTHERS_WRITE) !== 0 && (found.mode & STICKY) === 0) {
    return "may be written by other users; take that from them with chmod go-w";
  }
  return null;
}

function owned(found: Stats): boolean {
  return !POSIX || found.uid === 0 || found.uid === process.geteuid?.();
}

function nothing(cause: NodeJS.ErrnoException): null {
  if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return null;
  throw cause;
}

/**
 * Creates a folder and what is missing above it. Node's own recursive `mkdir` never returns where a parent exists but
 * answers ENOENT to every new entry, as file systems of the kernel do.
 */
async function makeFolders(folder: string, mode: number): Promise<void> {
  if (await stat(folder).catch(() => null)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) await makeFolders(parent, mode);
  await mkdir(folder, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}
