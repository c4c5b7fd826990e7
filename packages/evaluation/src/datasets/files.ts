import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { isHidden, photosIn, readFileJson, readFileText, reasonOf, shown } from "@unsam/core/files";
import type { Notes } from "./notes.js";

/** JSON of a large data set (COCO's training part has 450 MB); V8 holds no longer text. */
const MOST_JSON_BYTES = 500 * 2 ** 20;

/** Reads a text file. Throws `E_IO`. */
export function readText(file: string): Promise<string> {
  return readFileText(file, { what: "The file" });
}

/** The lines of a text file that are not empty, without the white space around them. Throws `E_IO`. */
export async function readLines(file: string): Promise<string[]> {
  const lines = (await readText(file)).split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== "");
}

/** Reads a JSON file. Throws `E_BAD_FILE`. */
export function readJson(file: string): Promise<unknown> {
  return readFileJson(file, { what: "The file", code: "E_BAD_FILE", maxBytes: MOST_JSON_BYTES });
}

/** Names in a folder without the hidden ones, sorted; none where there is no such folder. Throws `E_IO`. */
export async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !isHidden(name)).sort();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw new UnSAMError("E_IO", `The folder ${shown(folder)} cannot be read: ${reasonOf(cause)}.`, {
      cause,
    });
  }
}

/** Whether anything has this name. What it is, its reader says. */
export async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}

export async function isFolder(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isDirectory() ?? false;
}

/**
 * Image files of a folder by their names without endings. `what` names one in errors and notes: "photo". Files that look
 * like photos but are not read are noted. Throws `E_BAD_FILE` where two files differ in their endings only.
 */
export async function imagesIn(folder: string, what: string, notes: Notes): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  if (!(await isFolder(folder))) return files;
  const { photos, notTaken } = await photosIn(folder);
  for (const name of notTaken) {
    const ending = path.extname(name).toLowerCase();
    notes.add("left-out", `file ending in ${ending}`, "it is not read; convert it to PNG", name);
  }
  for (const name of photos) {
    const stem = path.parse(name).name;
    const earlier = files.get(stem);
    if (earlier !== undefined) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `${folder} has ${path.basename(earlier)} and ${name}: which of them is the ${what} ${stem} cannot be told; rename or remove one.`,
      );
    }
    files.set(stem, path.join(folder, name));
  }
  return files;
}
