import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";

const IMAGE = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i;

/** Reads a text file. Throws `E_IO`. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new UnSAMError("E_IO", `${file} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

/** Reads a JSON file. Throws `E_IO`, `E_BAD_FILE`. */
export async function readJson(file: string): Promise<unknown> {
  const text = await readText(file);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnSAMError("E_BAD_FILE", `${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}

/** Names in a folder, sorted; none where there is no such folder. */
export async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}

export async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() ?? false;
}

/** Image files of a folder by their names without endings. */
export async function imagesIn(folder: string): Promise<Map<string, string>> {
  const files = (await list(folder)).filter((file) => IMAGE.test(file));
  return new Map(files.map((file) => [path.parse(file).name, path.join(folder, file)]));
}
