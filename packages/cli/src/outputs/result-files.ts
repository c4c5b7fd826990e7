import { stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { canBeMade, makeFolder, outputName, shown, writeWhole } from "@unsam/core/files";
import { checkDistinct, checkPlace, checkWritable } from "../check-writable.js";
import { type ImageSource, STANDARD } from "../images/image-source.js";
import type { NamedImages } from "../images/name-images.js";
import { isStandardOutputTerminal, printBytes } from "../terminal/output.js";

/** An option that names where results of one kind go. */
export interface ResultOption {
  /** "--out" */
  readonly flag: string;
  /** What the user gave it; undefined: nothing of this kind is written. */
  readonly given: string | undefined;
  /** ".png" */
  readonly extension: string;
  /** Of the files in a folder: NAME.EXT and this. */
  readonly suffix: string;
}

/** What stands in a pattern for a part of the photo's name. */
const PLACES: Readonly<Record<string, (source: ImageSource) => string>> = {
  "{name}": ({ name }) => path.parse(name).name,
  "{file}": ({ name }) => name,
  "{folder}": ({ path: file }) => (file === null ? "" : path.basename(path.dirname(path.resolve(file)))),
};
const PLACE = /\{(?:name|file|folder)\}/g;

/**
 * Where results go, checked before any work is done: nothing is written over a photo or over another result. Throws
 * `E_BAD_OPTION`.
 */
export async function checkResultOptions(
  options: readonly ResultOption[],
  images: NamedImages,
  json: boolean | undefined,
): Promise<void> {
  const given = options.filter((option) => option.given !== undefined);
  checkStandardOutput(given, images, json);
  for (const option of given) {
    if (images.areSeveral) await checkMany(option, images.sources);
    else {
      const file = resultFile(option, images.sources[0], false);
      if (file !== null && file !== STANDARD) await checkWritable(option.flag, file, option.extension);
    }
  }
  const results = images.sources.flatMap((source) =>
    given.map((option) => {
      const file = resultFile(option, source, images.areSeveral);
      const flag = images.areSeveral ? `${option.flag} of ${source.given}` : option.flag;
      return [flag, file === STANDARD ? undefined : (file ?? undefined)] as const;
    }),
  );
  await checkDistinct(
    images.sources.map(({ path: file }) => ["the photo", file ?? undefined] as const),
    results,
    images.areSeveral ? "put {folder} into the name ({folder}-{name}.png), or run them apart" : undefined,
  );
}

/** The file that an option means for a photo, `-` for standard output; null: none. */
export function resultFile(option: ResultOption, source: ImageSource, areSeveral: boolean): string | null {
  const { given, suffix } = option;
  if (given === undefined) return null;
  if (given === STANDARD) return given;
  if (isPattern(given)) return given.replace(PLACE, (place) => PLACES[place](source));
  return areSeveral ? path.join(given, outputName(source.name, suffix)) : given;
}

/** Writes results, all of them made before. Folders for several photos are made where they are missing. Throws `E_IO`. */
export async function writeResults(
  files: readonly (readonly [file: string, content: Uint8Array])[],
  areSeveral: boolean,
): Promise<void> {
  for (const [file, content] of files) {
    if (file === STANDARD) {
      printBytes(content);
      continue;
    }
    if (areSeveral) await makeFolder(path.dirname(file));
    await writeWhole(file, content);
  }
}

/** Whether a result goes to standard output, so that words for people must not. */
export function takesStandardOutput(options: readonly ResultOption[]): boolean {
  return options.some(({ given }) => given === STANDARD);
}

/** A line for people. */
export function wrote(file: string): string {
  return `wrote ${file === STANDARD ? "to standard output" : file}`;
}

function isPattern(given: string): boolean {
  return given.search(PLACE) >= 0;
}

function checkStandardOutput(
  given: readonly ResultOption[],
  { areSeveral }: NamedImages,
  json: boolean | undefined,
): void {
  const there = given.filter((option) => option.given === STANDARD).map(({ flag }) => flag);
  if (there.length === 0) return;
  const problem =
    there.length > 1 || json
      ? `holds one result, and ${[...there, ...(json ? ["--json"] : [])].join(" and ")} want it`
      : areSeveral
        ? `holds the result of one photo; give a folder as ${there[0]}`
        : isStandardOutputTerminal()
          ? "is a terminal; lead it into a file or a program"
          : null;
  if (problem !== null) throw new UnSAMError("E_BAD_OPTION", `Standard output ${problem}.`);
}

async function checkMany(option: ResultOption, sources: readonly ImageSource[]): Promise<void> {
  const { flag, extension } = option;
  const given = option.given as string;
  const ends = path.extname(given).toLowerCase() === extension;
  if (isPattern(given)) {
    if (!ends)
      throw new UnSAMError("E_BAD_OPTION", `${flag} is ${given}; the name must end in ${extension}.`);
  } else {
    const found = await stat(given).catch(() => null);
    if (found ? !found.isDirectory() : ends) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `${flag} is ${given}, and there may be several photos; give a folder, or a name with {name} in it ({name}${extension}).`,
      );
    }
  }
  const folders = new Set<string>();
  for (const source of sources) {
    const file = resultFile(option, source, true) as string;
    const folder = path.dirname(path.resolve(file));
    if (!folders.has(folder) && !(await canBeMade(folder))) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `${flag} is ${given}, but the folder ${shown(folder)} cannot be written.`,
      );
    }
    folders.add(folder);
    if ((await stat(folder).catch(() => null)) !== null) await checkPlace(flag, file);
  }
}
