import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import { exists, isFolder, list, readLines } from "../files.js";

/** Which videos of a data set a list names. */
export interface Split {
  readonly file: string;
  readonly names: readonly string[];
}

/** Where DAVIS keeps its lists, the newest first; those of SA-V lie in the folder itself. */
const PLACES = [["ImageSets", "2017"], ["ImageSets", "2016"], ["ImageSets", "480p"], ["ImageSets"], []];
const ENDING = ".txt";
const NAME = /^[\w.-]+(\/[\w.-]+)*$/;

/**
 * Reads the list `split` of a data set in the layout of DAVIS ("val", or "2016/val" for the one in `ImageSets/2016`) or SA-V
 * ("sav_val"): a video a line, or, as in DAVIS 2016, the paths of a frame and its annotation. Throws `E_BAD_OPTION` where there is
 * no such list, `E_BAD_FILE`, `E_IO`.
 */
export async function readSplit(root: string, split: string): Promise<Split> {
  const isName = NAME.test(split) && !split.split("/").includes("..");
  const files = PLACES.map((place) => path.join(root, ...place, `${split}${ENDING}`));
  for (const file of isName ? files : []) {
    if (!(await exists(file))) continue;
    const names = [...new Set((await readLines(file)).map((line) => videoOf(line, file)))];
    if (names.length > 0) return { file, names };
    throw new UnSAMError("E_BAD_FILE", `${shown(file)} names no video.`);
  }
  const there = await splitsOf(root);
  throw new UnSAMError(
    "E_BAD_OPTION",
    `${shown(root)} has no list of videos ${shown(split)}; ${there.length > 0 ? `it has ${there.join(", ")}` : "it has none, so leave it out to take all videos"}.`,
  );
}

/** "bear", or "/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png" (DAVIS 2016). */
function videoOf(line: string, file: string): string {
  const [first] = line.split(/\s+/);
  const name = first.includes("/") ? path.posix.basename(path.posix.dirname(first)) : first;
  if (/^[\w.-]+$/.test(name) && !/^\.+$/.test(name)) return name;
  throw new UnSAMError("E_BAD_FILE", `${shown(file)} has the line ${shown(line)}, which names no video.`);
}

async function splitsOf(root: string): Promise<string[]> {
  const found: string[] = [];
  const sets = path.join(root, "ImageSets");
  for (const name of await list(sets)) {
    if (!(await isFolder(path.join(sets, name)))) found.push(name);
    else found.push(...(await list(path.join(sets, name))).map((file) => `${name}/${file}`));
  }
  found.push(...(await list(root)));
  return found.filter((name) => name.endsWith(ENDING)).map((name) => name.slice(0, -ENDING.length));
}
