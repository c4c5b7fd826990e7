import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { shown } from "@unsam/core/files";
import { exists } from "../files.js";
import type { Notes } from "../notes.js";
import type { CocoImage } from "./coco-file.js";

/** Photos that are looked for until one is found: all lie in its folder. */
const TRIED = 100;

/**
 * Finds the files of a COCO JSON's photos. They are looked for beside it, in `images/`, and one folder up, also in the
 * folder that the JSON's name ends in (`annotations/instances_val2017.json` → `val2017/`); the folder in which the first
 * photo is found holds all of them. A photo that is missing is reported when it is read. Names may have backslashes, or
 * letters escaped as in addresses (`%20`). Throws `E_BAD_FILE` for names that lead out of that folder.
 */
export async function photoFinder(
  file: string,
  images: Iterable<CocoImage>,
  notes: Notes,
): Promise<(image: CocoImage) => Promise<string>> {
  const here = path.dirname(file);
  const split = path.parse(file).name.split("_").at(-1)!;
  const folders = [".", "images", split, "..", "../images", `../${split}`, `../images/${split}`];
  const tried = [...images].slice(0, TRIED).map(({ fileName }) => spellings(fileName, file));
  const root = await firstRoot(
    folders.map((folder) => path.join(here, folder)),
    tried,
  );
  return async ({ fileName }) => {
    const [literal, ...others] = spellings(fileName, file);
    if (others.length === 0 || (await exists(path.join(root, literal)))) return path.join(root, literal);
    for (const other of others) {
      if (!(await exists(path.join(root, other)))) continue;
      notes.add("adapted", "file_name of another system", `it is read as ${shown(other)}`, fileName);
      return path.join(root, other);
    }
    return path.join(root, literal);
  };
}

async function firstRoot(roots: readonly string[], tried: readonly string[][]): Promise<string> {
  for (const names of tried) {
    for (const root of roots) {
      for (const name of names) if (await exists(path.join(root, name))) return root;
    }
  }
  return roots[0];
}

/** What a name may stand for, the literal one first. Throws `E_BAD_FILE` where it leads out of the folder of photos. */
function spellings(fileName: string, file: string): string[] {
  const slashed = fileName.replaceAll("\\", "/");
  for (const name of [fileName, slashed]) {
    const why = leaving(name);
    if (why === null) continue;
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file}: the file_name ${shown(fileName)} ${why}; give names relative to the folder of the photos.`,
    );
  }
  const unescaped = [fileName, slashed].map(withoutEscapes).filter((name) => leaving(name) === null);
  return [...new Set([fileName, slashed, ...unescaped])];
}

function leaving(name: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return "is an address, and nothing is fetched";
  if (path.posix.isAbsolute(name) || path.win32.isAbsolute(name) || /^[a-z]:/i.test(name)) {
    return "is an absolute path";
  }
  const normal = path.posix.normalize(name);
  return normal === ".." || normal.startsWith("../") ? "leads out of the data set's folder" : null;
}

function withoutEscapes(name: string): string {
  try {
    return decodeURIComponent(name).replaceAll("\\", "/");
  } catch {
    return name;
  }
}

/**
 * A name for each image, by its key: the photo's without ending; where two photos have one, with their folders; where
 * they still do, with the ending; where one photo is listed under two ids, with the id.
 */
export function imageNames(images: readonly CocoImage[]): Map<string, string> {
  const slashed = ({ fileName }: CocoImage) => fileName.replaceAll("\\", "/");
  const choices: ((image: CocoImage) => string)[] = [
    (image) => path.posix.parse(slashed(image)).name,
    (image) => {
      const { dir, name } = path.posix.parse(slashed(image));
      return path.posix.join(dir, name);
    },
    slashed,
  ];
  const names = new Map<string, string>();
  let open = [...images];
  for (const choice of choices) {
    const counts = new Map<string, number>([...names.values()].map((name) => [name, 1]));
    for (const image of open) counts.set(choice(image), (counts.get(choice(image)) ?? 0) + 1);
    for (const image of open) if (counts.get(choice(image)) === 1) names.set(image.key, choice(image));
    open = open.filter(({ key }) => !names.has(key));
  }
  for (const image of open) names.set(image.key, `${slashed(image)} (id ${image.key})`);
  return names;
}
