import { lstat, stat } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { UnSAMError } from "@unsam/core/errors";
import { lookAtFile, readFileJson, reasonOf, shown } from "@unsam/core/files";

/** The first that is there is used; the folder that one works in comes before those above it. */
const NAMES = ["unsam.config.json", "unsam.config.mjs"] as const;
const MOST_BYTES = 2 ** 20;
const WHAT = "The file of defaults";

/** A file of defaults that was found, and why it is not used where it is not. */
export interface FoundDefaults {
  readonly file: string;
  /** The end of a sentence; null: it is used. */
  readonly problem: string | null;
}

/**
 * The file that the command line names, else `unsam.config.json` or `unsam.config.mjs` in the working directory or the nearest
 * folder above it. What others can write is found, but not used: anybody may put a file into `/tmp`.
 */
export async function findDefaults(named: string | false | undefined): Promise<FoundDefaults | null> {
  if (named === false) return null;
  if (named !== undefined) return { file: path.resolve(named), problem: null };
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    const there: string[] = [];
    for (const name of NAMES) if (await isThere(path.join(folder, name))) there.push(path.join(folder, name));
    if (there.length > 1) {
      throw new UnSAMError(
        "E_BAD_CONFIG",
        `The folder ${shown(folder)} has both ${NAMES.join(" and ")}; keep one of them, or pass --defaults FILE.`,
      );
    }
    if (there.length === 1) return { file: there[0], problem: await problemOf(there[0]) };
    if (folder === path.dirname(folder)) return null;
  }
}

/** What a file of defaults holds: an object, its content unchecked. Throws `E_BAD_CONFIG`, or the signal's reason. */
export async function readDefaults(file: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const isModule = path.extname(file) === ".mjs";
  const content = isModule
    ? await importDefault(file, signal)
    : await readFileJson(file, { what: WHAT, code: "E_BAD_CONFIG", maxBytes: MOST_BYTES, signal });
  if (isPlainObject(content)) return content;
  const what = isModule ? "exports no object as its default" : "holds no object";
  throw new UnSAMError(
    "E_BAD_CONFIG",
    `${WHAT} ${shown(file)} ${what}; give { "model": …, "segment": { … } }.`,
  );
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function importDefault(file: string, signal: AbortSignal): Promise<unknown> {
  // A pipe of that name would be waited for.
  await lookAtFile(file, { what: WHAT, code: "E_BAD_CONFIG", signal });
  try {
    return (await import(pathToFileURL(file).href)).default;
  } catch (cause) {
    throw new UnSAMError("E_BAD_CONFIG", `${WHAT} ${shown(file)} could not be run: ${reasonOf(cause)}.`, {
      cause,
    });
  }
}

function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

async function problemOf(file: string): Promise<string | null> {
  const us = process.geteuid?.();
  if (us === undefined) return null;
  const [link, target] = [await lstat(file), await stat(file).catch(() => null)];
  // A broken link, and whatever is no file, is told when it is read.
  for (const { uid } of target ? [link, target] : [link]) {
    if (uid !== us && uid !== 0) return `belongs to another user (number ${uid})`;
  }
  return target && (target.mode & 0o002) !== 0 ? "may be written by everybody" : null;
}
