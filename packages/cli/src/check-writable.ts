import { stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/sdk";

/** Checks, before any work is done, that a file can be written there. Throws `E_BAD_OPTION`. */
export async function checkWritable(option: string, file: string, extension: string): Promise<void> {
  if (path.extname(file).toLowerCase() !== extension) {
    throw new UnSAMError("E_BAD_OPTION", `${option} is ${file}; the name must end in ${extension}.`);
  }
  await checkPlace(option, file);
}

/** The same of any file, whatever its name ends in. Throws `E_BAD_OPTION`. */
export async function checkPlace(option: string, file: string): Promise<void> {
  const folder = path.dirname(path.resolve(file));
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory()) {
    throw new UnSAMError("E_BAD_OPTION", `${option} is ${file}, but there is no folder ${folder}.`);
  }
  if ((await stat(file).catch(() => null))?.isDirectory()) {
    throw new UnSAMError("E_BAD_OPTION", `${option} is ${file}, which is a folder.`);
  }
}
