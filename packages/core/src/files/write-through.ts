import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { makeFolder } from "./folders.js";
import { reasonOf, shown } from "./read.js";
import { problemOfTarget, temporaryPath } from "./write.js";

/**
 * For a file that another program writes: `write` gets a temporary name in the same folder. What it leaves there appears under `file`
 * when it is whole, and is removed on failure. Throws `E_IO`, and what `write` throws.
 */
export async function writeWholeThrough(
  file: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const problem = await problemOfTarget(file);
  if (problem !== null) throw new UnSAMError("E_IO", `${shown(file)} ${problem}.`);
  const temporary = temporaryPath(path.dirname(path.resolve(file)));
  await removedOnFailure(file, temporary, async () => {
    await write(temporary);
    const handle = await open(temporary, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  });
}

/**
 * For a folder of files: `write` fills a temporary folder beside it, which becomes `folder` when it is whole. Into a folder that is
 * there already its files are moved, in place of those of the same name. Throws `E_IO`, and what `write` throws.
 */
export async function writeWholeFolder(
  folder: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found && !found.isDirectory()) {
    throw new UnSAMError("E_IO", `${shown(folder)} is no folder; give another name for one.`);
  }
  const parent = path.dirname(path.resolve(folder));
  await makeFolder(parent);
  const temporary = temporaryPath(parent);
  await removedOnFailure(folder, temporary, async () => {
    await mkdir(temporary);
    await write(temporary);
    if (found) await moveInto(temporary, folder);
    else await rename(temporary, folder);
  });
}

async function moveInto(from: string, to: string): Promise<void> {
  await makeFolder(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) await moveInto(source, target);
    else await rename(source, target);
  }
  await rm(from, { recursive: true });
}

async function removedOnFailure(name: string, temporary: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    await rm(temporary, { force: true, recursive: true }).catch(() => {});
    const { syscall } = cause as NodeJS.ErrnoException;
    // Only what the system says of files is explained here.
    if (UnSAMError.isInstance(cause) || syscall === undefined) throw cause;
    throw new UnSAMError("E_IO", `${shown(name)} could not be written: ${reasonOf(cause)}.`, { cause });
  }
}
