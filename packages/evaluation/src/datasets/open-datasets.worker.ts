import { stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { keep } from "@unsam/core/runtime";
import { openCoco } from "./coco/open-coco.js";
import type { Dataset, DatasetImage } from "./dataset.js";
import { exists, isFolder, list, readJson } from "./files.js";
import { foreignFolder, foreignJson } from "./foreign-formats.js";
import { openLabelMaps } from "./label-maps/open-label-maps.js";
import type { Note } from "./notes.js";

/** All but the images. */
export type DatasetHead = Omit<Dataset, "images">;

/** What `openDatasets` does, on a worker thread: a COCO JSON of 100 MB takes seconds to parse. */
export async function open(places: readonly string[]) {
  const sets: Dataset[] = [];
  for (const place of places) sets.push(...(await openPlace(place)));
  const named = withOwnNames(sets);
  const heads = named.map(({ images, ...head }): DatasetHead => head);
  return { heads, opened: keep(named, { gone: "The data sets are closed." }) };
}

/** Characters of regions in one page: it is copied within a few milliseconds. */
const PAGE_CHARACTERS = 2 ** 19;
const PAGE_IMAGES = 500;

/** Images of a data set from the one at place `from` on, as many as the asking thread takes without stopping for long. */
export function pageOf(opened: readonly Dataset[], set: number, from: number): DatasetImage[] {
  const page: DatasetImage[] = [];
  let characters = 0;
  for (const image of opened[set].images.slice(from, from + PAGE_IMAGES)) {
    page.push(image);
    for (const source of image.annotations) if (source.kind === "masks") characters += source.regions.length;
    if (characters > PAGE_CHARACTERS) break;
  }
  return page;
}

async function openPlace(where: string): Promise<Dataset[]> {
  const found = await stat(where).catch(() => null);
  if (!found)
    throw new UnSAMError(
      "E_BAD_OPTION",
      `There is nothing at ${where}; give a data set's folder or a COCO JSON.`,
    );
  if (!found.isDirectory()) return [await openCoco(where)];
  const here = await openFolder(where);
  const sets = [...here.sets];
  const problems = [...here.problems];
  for (const name of sets.length > 0 ? [] : await list(where)) {
    const folder = path.join(where, name);
    if (!(await isFolder(folder))) continue;
    const inside = await openFolder(folder);
    sets.push(...inside.sets);
    problems.push(...inside.problems);
    if (inside.sets.length + inside.problems.length > 0) continue;
    problems.push({ what: "folder", name, error: await noDataset(folder) });
  }
  if (sets.length > 0) return withProblems(sets, problems);
  // A problem with a file says more than that there is no data set.
  throw problems.find(({ what }) => what === "JSON file")?.error ?? (await noDataset(where));
}

async function noDataset(where: string): Promise<UnSAMError> {
  const foreign = await foreignFolder(where);
  return new UnSAMError(
    "E_BAD_FILE",
    foreign === null
      ? `${where} holds no data set; it needs photos with label maps (images/ and labels/), a COCO JSON, or folders of these.`
      : `${where} holds no data set that is read: it looks like ${foreign}.`,
  );
}

interface Problem {
  readonly what: "JSON file" | "folder";
  readonly name: string;
  readonly error: UnSAMError;
}

interface Opened {
  /** None: the folder is no data set by itself. */
  readonly sets: Dataset[];
  /** What looks like annotations but cannot be read. */
  readonly problems: Problem[];
}

async function openFolder(folder: string): Promise<Opened> {
  const described = await exists(path.join(folder, "dataset.json"));
  if (described || (await exists(path.join(folder, "clicks.csv")))) {
    const set = await openLabelMaps(folder);
    if (set.images.length > 0) return { sets: [set], problems: [] };
    const foreign = await foreignFolder(folder);
    throw new UnSAMError(
      "E_BAD_FILE",
      `${folder} has no photo in images/ with a label map of its name in labels/${foreign ? `; it looks like ${foreign}` : ""}.`,
    );
  }
  const { sets, problems } = await openJsons(folder);
  if (sets.length === 0) {
    const set = await openLabelMaps(folder);
    if (set.images.length > 0) sets.push(set);
  }
  return { sets, problems };
}

/** The COCO files of a folder. JSON of other kinds is passed over. */
async function openJsons(folder: string): Promise<Opened> {
  const sets: Dataset[] = [];
  const problems: Problem[] = [];
  for (const name of await list(folder)) {
    if (!/\.json$/i.test(name)) continue;
    const file = path.join(folder, name);
    try {
      const content = await readJson(file);
      const foreign = foreignJson(content);
      if (foreign !== null) throw new UnSAMError("E_BAD_FILE", `${file} is ${foreign}.`);
      if (isCoco(content)) sets.push(await openCoco(file, content));
    } catch (error) {
      if (!UnSAMError.isInstance(error)) throw error;
      problems.push({ what: "JSON file", name, error });
    }
  }
  return { sets, problems };
}

function isCoco(content: unknown): content is object {
  return typeof content === "object" && content !== null && "images" in content && "annotations" in content;
}

/** What else lies there is told with the first set: it may be what was meant. */
function withProblems([first, ...others]: readonly Dataset[], problems: readonly Problem[]): Dataset[] {
  const notes = problems.map(({ what, name, error }): Note => {
    const why = error.message.replace(/\.$/, "");
    return { kind: "left-out", what, why, count: 1, examples: [name] };
  });
  return [{ ...first, notes: [...first.notes, ...notes] }, ...others];
}

/** Names tell data sets apart in reports; of one name, their folders do. */
function withOwnNames(sets: readonly Dataset[]): Dataset[] {
  const taken = new Set<string>();
  return sets.map((set) => {
    const alone = sets.filter(({ name }) => name === set.name).length === 1;
    const folder = path.basename(path.dirname(path.resolve(set.path)));
    let name = alone ? set.name : `${folder}/${set.name}`;
    for (let k = 2; taken.has(name); k++) name = `${folder}/${set.name} (${k})`;
    taken.add(name);
    return { ...set, name };
  });
}
