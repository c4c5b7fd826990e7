import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { isPhotoName, shown } from "@unsam/core/files";
import type { BenchmarkFile, Dataset, DatasetImage } from "../dataset.js";
import { exists, isFolder, list, readLines } from "../files.js";
import { NO_CLICK } from "../label-maps/open-label-maps.js";
import { Notes } from "../notes.js";
import { openDatasets } from "../open-datasets.js";
import { isBmpName } from "./read-bmp.js";

/** How a benchmark lies on disk. `coco`: any other data set (`openDatasets`). */
export type BenchmarkLayout =
  | "grabcut"
  | "berkeley"
  | "davis"
  | "sbd"
  | "pascal-part"
  | "part-imagenet"
  | "sa-1b"
  | "other";

/** A data set of the interactive-segmentation field, and what is asked of it. */
export interface Benchmark {
  readonly layout: BenchmarkLayout;
  readonly dataset: Dataset;
  /** Each region is an object to be clicked; else at most five of an image that do not overlap are drawn. */
  readonly everyRegion: boolean;
  /** Its regions are all that is to be found on an image, so average recall says something. */
  readonly wholeImage: boolean;
}

export interface OpenBenchmarksOptions {
  readonly signal?: AbortSignal | undefined;
}

interface Layout {
  readonly layout: BenchmarkLayout;
  /** Folders of the photos and of the annotations; both are there. */
  readonly folders: readonly [photos: string, annotations: string];
  readonly kind: BenchmarkFile | "labels";
  /** Endings of annotations; the first is the benchmark's own. */
  readonly endings: readonly string[];
  /** A list of the names to take. */
  readonly names?: string;
  readonly everyRegion: boolean;
  readonly wholeImage: boolean;
  /** Photos lie in a folder for each video. */
  readonly inFolders?: true;
}

const PICTURES = [".png", ".bmp", ".jpg", ".jpeg"];
const ONE_OBJECT = { everyRegion: true, wholeImage: false, endings: PICTURES } as const;
/** The first that fits is taken. */
const LAYOUTS: readonly Layout[] = [
  { layout: "grabcut", folders: ["data_GT", "boundary_GT"], kind: "object-grabcut", ...ONE_OBJECT },
  { layout: "berkeley", folders: ["images", "masks"], kind: "object-grabcut", ...ONE_OBJECT },
  { layout: "davis", folders: ["img", "gt"], kind: "object-any", ...ONE_OBJECT },
  {
    layout: "davis",
    folders: ["JPEGImages/480p", "Annotations/480p"],
    kind: "object-any",
    ...ONE_OBJECT,
    inFolders: true,
  },
  {
    layout: "sbd",
    folders: ["img", "inst"],
    kind: "instances-mat",
    endings: [".mat", ".png"],
    names: "val.txt",
    everyRegion: true,
    wholeImage: false,
  },
  {
    layout: "pascal-part",
    folders: ["JPEGImages", "Annotations_Part"],
    kind: "parts-mat",
    endings: [".mat"],
    names: "ImageSets/Main/val.txt",
    everyRegion: true,
    wholeImage: false,
  },
  {
    layout: "part-imagenet",
    folders: ["images/val", "annotations/val"],
    kind: "labels",
    endings: [".png"],
    everyRegion: true,
    wholeImage: true,
  },
  {
    layout: "sa-1b",
    folders: ["images", "annotations"],
    kind: "sa-1b-json",
    endings: [".json"],
    everyRegion: false,
    wholeImage: true,
  },
  {
    layout: "sa-1b",
    folders: [".", "."],
    kind: "sa-1b-json",
    endings: [".json"],
    everyRegion: false,
    wholeImage: true,
  },
];

/**
 * Opens benchmarks by their layout, or those in the folders of a folder: GrabCut (`data_GT/`, `boundary_GT/`), Berkeley (`images/`,
 * `masks/`), frames of DAVIS (`img/`, `gt/`, or `JPEGImages/480p` and `Annotations/480p`), SBD (`img/`, `inst/`, `val.txt`), Pascal-Part
 * (`JPEGImages/`, `Annotations_Part/`, `ImageSets/Main/val.txt`),
 * PartImageNet (`images/val`, `annotations/val`), SA-1B (a JSON beside each photo, or in `annotations/`), and whatever else
 * `openDatasets` reads, as COCO's JSON. Photos without a mask are noted. Throws `E_BAD_FILE`, `E_BAD_OPTION`, `E_IO`, or the signal's
 * reason.
 */
export async function openBenchmarks(
  places: readonly string[],
  { signal }: OpenBenchmarksOptions = {},
): Promise<Benchmark[]> {
  const benchmarks: Benchmark[] = [];
  for (const place of places) {
    signal?.throwIfAborted();
    const own = await openFolder(place);
    const inside = own ? [own] : await openInside(place, signal);
    benchmarks.push(...(inside.length > 0 ? inside : await openOthers(place, signal)));
  }
  return withOwnNames(benchmarks);
}

/** The benchmarks in the folders of a folder. Where there are some, what else lies there is opened, or noted with the first. */
async function openInside(place: string, signal: AbortSignal | undefined): Promise<Benchmark[]> {
  const benchmarks: Benchmark[] = [];
  const unknown: string[] = [];
  for (const name of await list(place)) {
    const found = await openFolder(path.join(place, name));
    if (found) benchmarks.push(found);
    else unknown.push(name);
  }
  const notes = new Notes();
  for (const name of benchmarks.length > 0 ? unknown : []) {
    if (!(await isFolder(path.join(place, name)))) continue;
    try {
      benchmarks.push(...(await openOthers(path.join(place, name), signal)));
    } catch (error) {
      if (!UnSAMError.isInstance(error)) throw error;
      notes.add("left-out", "folder", error.message.replace(/\.$/, ""), name);
    }
  }
  return benchmarks.map((benchmark, k) => {
    const { dataset } = benchmark;
    return k > 0
      ? benchmark
      : { ...benchmark, dataset: { ...dataset, notes: [...dataset.notes, ...notes.list()] } };
  });
}

async function openOthers(place: string, signal: AbortSignal | undefined): Promise<Benchmark[]> {
  const sets = await openDatasets(place, { signal });
  return sets.map((dataset) => {
    // Objects are clicked by the protocol's rule, whatever a list of clicks has.
    const notes = dataset.notes.filter(({ what }) => what !== NO_CLICK);
    return { layout: "other", dataset: { ...dataset, notes }, everyRegion: false, wholeImage: true };
  });
}

async function openFolder(folder: string): Promise<Benchmark | null> {
  if (!(await isFolder(folder))) return null;
  for (const layout of LAYOUTS) {
    const [photos, annotations] = layout.folders.map((part) => path.join(folder, ...part.split("/")));
    if (!(await isFolder(photos)) || !(await isFolder(annotations))) continue;
    if (!(await looksLike(layout, folder, annotations))) continue;
    const { everyRegion, wholeImage } = layout;
    const dataset = await openLayout(layout, folder, photos, annotations);
    return { layout: layout.layout, dataset, everyRegion, wholeImage };
  }
  return null;
}

/** Folders of common names tell nothing by themselves. */
async function looksLike(layout: Layout, folder: string, annotations: string): Promise<boolean> {
  if (layout.names !== undefined || layout.inFolders) return true;
  const names = (await list(annotations)).filter((name) => endingOf(name, layout.endings) >= 0);
  if (layout.layout !== "sa-1b") return names.length > 0;
  const known = names.filter((name) => /^sa_\d+\.json$/.test(name));
  return known.length > 0 && !(await exists(path.join(folder, "dataset.json")));
}

function endingOf(name: string, endings: readonly string[]): number {
  return endings.indexOf(path.extname(name).toLowerCase());
}

async function openLayout(
  layout: Layout,
  folder: string,
  photoFolder: string,
  annotationFolder: string,
): Promise<Dataset> {
  const notes = new Notes();
  const photos = await filesOf(photoFolder, layout, (name) => isPhotoName(name) || isBmpName(name));
  const files = await filesOf(annotationFolder, layout, (name) => endingOf(name, layout.endings) >= 0);
  const listed = layout.names
    ? await listedNames(path.join(folder, ...layout.names.split("/")))
    : [...photos.keys()];
  const images: DatasetImage[] = [];
  for (const name of [...listed].sort()) {
    const [photo, file] = [photos.get(name), files.get(name)];
    if (photo === undefined)
      notes.add("left-out", "listed name without a photo", "there is no such file", name);
    else if (file === undefined)
      notes.add("left-out", "photo without a mask", "a mask has its photo's name", name);
    else
      images.push({ name, file: photo, stated: null, annotations: [sourceOf(layout, file)], clicks: null });
  }
  for (const name of files.keys()) {
    if (!photos.has(name)) notes.add("left-out", "mask without a photo", "a mask has its photo's name", name);
  }
  if (images.length === 0) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${shown(folder)} is laid out as ${layout.layout}, but no photo of ${layout.folders[0]} has a file of its name in ${layout.folders[1]} (${layout.endings.join(", ")}).`,
    );
  }
  return {
    name: path.basename(path.resolve(folder)),
    path: folder,
    ...{ title: null, licence: null, citation: null, homepage: null },
    voidLabels: [],
    clicksFrom: "drawn",
    images,
    notes: notes.list(),
  };
}

function sourceOf(layout: Layout, file: string): DatasetImage["annotations"][number] {
  // SBD is also passed on with its instances as PNG.
  const kind = layout.kind === "instances-mat" && endingOf(file, [".png"]) === 0 ? "labels" : layout.kind;
  return { annotator: 1, kind, file };
}

/** Files by their names without endings; of a benchmark of videos by video and frame. */
async function filesOf(
  folder: string,
  { inFolders, endings }: Layout,
  taken: (name: string) => boolean,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const part of inFolders ? await list(folder) : [""]) {
    const names = (await list(path.join(folder, part))).filter(taken);
    // Of two files of one name the one whose ending is the benchmark's own.
    names.sort((a, b) => endingOf(b, endings) - endingOf(a, endings));
    for (const name of names) {
      files.set(path.posix.join(part, path.parse(name).name), path.join(folder, part, name));
    }
  }
  return files;
}

/** A name a line. Throws `E_BAD_FILE`, `E_IO`. */
async function listedNames(file: string): Promise<string[]> {
  const names = [...new Set(await readLines(file))];
  if (names.length > 0) return names;
  throw new UnSAMError("E_BAD_FILE", `${shown(file)} lists no name.`);
}

/** Names tell data sets apart in reports. */
function withOwnNames(benchmarks: readonly Benchmark[]): Benchmark[] {
  const taken = new Set<string>();
  return benchmarks.map((benchmark) => {
    const { dataset } = benchmark;
    let { name } = dataset;
    for (let k = 2; taken.has(name); k++) name = `${dataset.name} (${k})`;
    taken.add(name);
    return { ...benchmark, dataset: { ...dataset, name } };
  });
}
