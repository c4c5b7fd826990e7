import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, rename, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "../errors.js";
import { reasonOf, shown } from "./read.js";

/**
 * Puts the content of `target` under `name` as well, in place of what is there: by a relative symbolic link; where there are
 * none (Windows without developer mode) by a hard link; else as a copy. Throws `E_IO`.
 */
export async function linkOrCopy(target: string, name: string): Promise<void> {
  // Made under another name first: of several processes that do this at once, the last one wins, and no name is ever missing.
  const temporary = path.join(path.dirname(name), `.unsam-${randomUUID()}.link`);
  const ways = [
    () => symlink(path.relative(path.dirname(name), target), temporary, "file"),
    () => link(target, temporary),
    () => copyFile(target, temporary, constants.COPYFILE_FICLONE),
  ];
  let cause: unknown;
  for (const make of ways) {
    try {
      await make();
      await rename(temporary, name);
      return;
    } catch (problem) {
      cause = problem;
      await rm(temporary, { force: true }).catch(() => {});
    }
  }
  throw new UnSAMError("E_IO", `${shown(name)} could not be made: ${reasonOf(cause)}.`, { cause });
}
