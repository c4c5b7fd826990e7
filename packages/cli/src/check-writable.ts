import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { canBeMade, problemOfTarget } from "@unsam/core/files";

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

/** The same of a folder that files will be written into; it is made when they are. Throws `E_BAD_OPTION`. */
export async function checkFolder(option: string, folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  const isFile = found !== null && !found.isDirectory();
  if (!isFile && (await canBeMade(path.resolve(folder)))) return;
  const problem = isFile
    ? "which is a file; give a folder"
    : "where nothing can be written; give another folder";
  throw new UnSAMError("E_BAD_OPTION", `${option} is ${folder}, ${problem}.`);
}

/** Files by the option or argument that names them; undefined: not given. */
export type NamedFiles = readonly (readonly [option: string, file: string | undefined])[];

/** Checks that nothing is written over what is read, and nothing twice. Throws `E_BAD_OPTION`. */
export async function checkDistinct(
  inputs: NamedFiles,
  outputs: NamedFiles,
  advice = "give another name",
): Promise<void> {
  const names = new Map<string, string>();
  for (const [option, file] of inputs) if (file !== undefined) names.set(await placeOf(file), option);
  for (const [option, file] of outputs) {
    if (file === undefined) continue;
    const place = await placeOf(file);
    const earlier = names.get(place);
    if (earlier !== undefined) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `${option} is ${file}, which is the file of ${earlier}, too; ${advice}.`,
      );
    }
    names.set(place, option);
  }
}

/** The same text for every path of one file, whether it is there yet or not. */
async function placeOf(file: string): Promise<string> {
  const whole = path.resolve(file);
  try {
    return await realpath(whole);
  } catch {
    const folder = path.dirname(whole);
    return path.join(await realpath(folder).catch(() => folder), path.basename(whole));
  }
}
