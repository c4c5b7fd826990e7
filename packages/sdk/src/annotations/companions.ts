import { readdir } from "node:fs/promises";
import path from "node:path";
import type { AnnotatedPhoto } from "@unsam/core/annotations";
import { isPhotoName, readFileText } from "@unsam/core/files";
import { findGeoreference } from "@unsam/core/georeference";
import { readHeaderOfFile } from "@unsam/core/image";
import type { Abortable } from "@unsam/core/runtime";

// What lies beside files of annotations that do not tell everything: photos, and names of classes.

/** Names of classes are short lists. */
const MOST_CLASS_BYTES = 2 ** 20;
export const CLASSES_FILE = "classes.txt";
export const DATA_FILE = "data.yaml";

/** Photos by the names of files of annotations, in a folder that was named, or in the usual places. */
export class Photos {
  readonly #named: string | undefined;
  readonly #listed = new Map<string, Promise<readonly string[]>>();

  constructor(named: string | undefined) {
    this.#named = named;
  }

  /** The photo of a file of annotations: of the same name, whatever the ending; null: there is none. */
  async of(file: string, suffix: string, signal: Abortable): Promise<AnnotatedPhoto | null> {
    const found = await this.#find(file, suffix);
    return found === null ? null : photoAt(found, signal);
  }

  /** Its name alone: of a photo that is there, or that the file's own name holds (`photo.jpg.json`); "" where neither is. */
  async nameOf(file: string, suffix: string): Promise<string> {
    const found = await this.#find(file, suffix);
    if (found !== null) return path.basename(found);
    const stem = stemOf(file, suffix);
    return isPhotoName(stem) ? stem : "";
  }

  async #find(file: string, suffix: string): Promise<string | null> {
    const stem = stemOf(file, suffix);
    const folder = path.dirname(file);
    const usual = [folder, path.join(folder, "images"), path.join(folder, "..", "images")];
    for (const place of this.#named === undefined ? usual : [this.#named]) {
      const names = await this.#names(place);
      const found = names.find((one) => one === stem) ?? names.find((one) => path.parse(one).name === stem);
      if (found !== undefined) return path.join(place, found);
    }
    return null;
  }

  #names(folder: string): Promise<readonly string[]> {
    let names = this.#listed.get(folder);
    names ??= readdir(folder).then(
      (all) => all.filter(isPhotoName).sort(),
      () => [],
    );
    this.#listed.set(folder, names);
    return names;
  }
}

function stemOf(file: string, suffix: string): string {
  const name = path.basename(file);
  return name.toLowerCase().endsWith(suffix) ? name.slice(0, -suffix.length) : path.parse(name).name;
}

/** The size as it is seen, which annotations are about. Throws `E_BAD_IMAGE`, `E_IO`. */
async function photoAt(file: string, signal: Abortable): Promise<AnnotatedPhoto> {
  signal.throwIfAborted();
  const header = await readHeaderOfFile(file, { what: "The photo", systemCode: "E_IO" });
  const { width, height } = header.autoOrient;
  const isTurned = (header.orientation ?? 1) !== 1;
  const georeference = isTurned ? null : await findGeoreference(file, signal);
  return { fileName: path.basename(file), width, height, georeference };
}

/** Names of classes by number, beside a file of labels or above its folder; null: there are none. Throws `E_BAD_FILE`. */
export async function classesBeside(file: string, signal: Abortable): Promise<string[] | null> {
  for (const folder of [path.dirname(file), path.join(path.dirname(file), "..")]) {
    const classes = (await linesOf(path.join(folder, CLASSES_FILE), signal)) ?? null;
    if (classes) return classes;
    const data = await linesOf(path.join(folder, DATA_FILE), signal);
    const names = data && namesOfData(data);
    if (names) return names;
  }
  return null;
}

/** Lines of a text file, without those at the end that are empty; null: it is not there. */
async function linesOf(file: string, signal: Abortable): Promise<string[] | null> {
  const there = await readdir(path.dirname(file)).catch(() => [] as string[]);
  if (!there.includes(path.basename(file))) return null;
  const options = {
    what: "The list of classes",
    code: "E_BAD_FILE",
    maxBytes: MOST_CLASS_BYTES,
    signal,
  } as const;
  const lines = (await readFileText(file, options)).trimEnd().split(/\r?\n/);
  return lines.map((line) => line.trimEnd());
}

/**
 * `names` of a data.yaml in the forms that YOLO's tools write: a list in brackets, a list of lines `- cat`, or lines `0: cat`.
 * null: it is written otherwise.
 */
function namesOfData(lines: readonly string[]): string[] | null {
  const start = lines.findIndex((line) => /^names\s*:/.test(line));
  if (start < 0) return null;
  const unquoted = (text: string) => text.trim().replace(/^(["'])(.*)\1$/, "$2");
  const inline = /^names\s*:\s*\[(.*)\]\s*$/.exec(lines[start]);
  if (inline) return inline[1].split(",").map(unquoted);
  const names: string[] = [];
  for (const line of lines.slice(start + 1)) {
    const [, number, name] = /^\s*(?:-|(\d{1,6})\s*:)\s+(.+)$/.exec(line) ?? [];
    if (name === undefined) break;
    names[number === undefined ? names.length : Number(number)] = unquoted(name);
  }
  return names.length > 0 ? Array.from(names, (name, k) => name ?? String(k)) : null;
}
