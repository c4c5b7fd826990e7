import path from "node:path";
import { problemOfTarget } from "@unsam/core/files";
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
  const problem = await problemOfTarget(file);
  if (problem !== null) throw new UnSAMError("E_BAD_OPTION", `${option} is ${file}, which ${problem}.`);
}
