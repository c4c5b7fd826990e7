import { stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";

/** Characters of patterns. */
const SPECIAL = /[*?[{]/;

export function looksLikePattern(text: string): boolean {
  return SPECIAL.test(text);
}

/** Files as a shell finds them: sorted, hidden ones only where the pattern says so, links followed. */
export function filesOfPattern(pattern: string, signal: AbortSignal): Promise<string[]> {
  return find(pattern, { onlyFiles: true }, signal);
}

/** Folders, found in the same way. */
function foldersOfPattern(pattern: string, signal: AbortSignal): Promise<string[]> {
  return find(pattern, { onlyDirectories: true }, signal);
}

/** What a text names where data sets are wanted: itself, or the folders and JSON files of a pattern that the shell has not expanded. */
export async function placesOf(text: string, signal: AbortSignal): Promise<string[]> {
  if (!(await isPattern(text))) return [text];
  const jsons = (await filesOfPattern(text, signal)).filter((file) => /\.json$/i.test(file));
  const places = [...jsons, ...(await foldersOfPattern(text, signal))].sort();
  if (places.length > 0) return places;
  throw new UnSAMError("E_BAD_OPTION", `No folder and no JSON file matches ${shown(text)}.`);
}

/** The folder that a text names, or that matches a pattern. Throws `E_BAD_OPTION` where several do, or none. */
export async function oneFolderOf(text: string, signal: AbortSignal): Promise<string> {
  if (!(await isPattern(text))) return text;
  const [folder, ...others] = await foldersOfPattern(text, signal);
  if (folder !== undefined && others.length === 0) return folder;
  const found = folder === undefined ? "no folder" : `${others.length + 1} folders`;
  throw new UnSAMError("E_BAD_OPTION", `${found} match${folder ? "" : "es"} ${shown(text)}; give one.`);
}

/** A file or a folder may have such characters in its name. */
async function isPattern(text: string): Promise<boolean> {
  return looksLikePattern(text) && (await stat(text).catch(() => null)) === null;
}

async function find(
  pattern: string,
  which: { readonly onlyFiles?: boolean; readonly onlyDirectories?: boolean },
  signal: AbortSignal,
): Promise<string[]> {
  // Loaded where it is needed only: most commands start without.
  const { glob } = await import("tinyglobby");
  const absolute = path.isAbsolute(pattern);
  const found = await glob(pattern, { absolute, expandDirectories: false, ...which, signal });
  signal.throwIfAborted();
  return found.map((file) => path.normalize(file).replace(/(?<=.)[\\/]$/, "")).sort();
}
