import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { readClicks } from "../clicks/clicks-table.js";
import type { AnnotationSource, Dataset, DatasetImage } from "../dataset.js";
import { exists, imagesIn, isFolder, readText } from "../files.js";
import { Notes } from "../notes.js";
import { readDescription } from "./description.js";

/** What is noted of photos that a list of clicks does not name. */
export const NO_CLICK = "photo without a click in clicks.csv";

/** Pascal VOC's label maps paint a border of uncertain pixels with it. */
const VOC_VOID = 255;

/**
 * A folder of photos and label maps: `images/` and `labels/`, or both side by side with label maps that end in
 * `.labels.png`, or Pascal VOC's `JPEGImages/` and `SegmentationObject/`. A label map has its photo's name, or `NAME.K.png`
 * for annotator K of several. `dataset.json` (`readDescription`) and `clicks.csv` may be there; without clicks they are
 * drawn. A folder that is none of these gives a data set without images. Throws `E_IO`, `E_BAD_FILE`.
 */
export async function openLabelMaps(folder: string): Promise<Dataset> {
  const notes = new Notes();
  const about = await readDescription(path.join(folder, "dataset.json"));
  const { photos, maps, isVoc } = await photosAndMaps(folder, notes);
  const table = path.join(folder, "clicks.csv");
  const clicks = (await exists(table)) ? readClicks(await readText(table), table, photos) : null;
  const annotations = annotationsByImage(photos, maps, notes);
  const images: DatasetImage[] = [];
  for (const [name, file] of [...photos].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const own = annotations.get(name);
    if (!own) notes.add("left-out", "photo without a label map", "a label map has its photo's name", name);
    if (own && clicks && !clicks.has(name)) {
      const why = "only whole images can be scored (--metrics recall, boundary, partition)";
      notes.add("left-out", NO_CLICK, why, name);
    }
    if (!own) continue;
    images.push({
      name,
      file,
      stated: null,
      annotations: own,
      clicks: clicks?.get(name) ?? (clicks ? [] : null),
    });
  }
  const { voidLabels, ...texts } = about;
  return {
    ...texts,
    name: about.name ?? path.basename(path.resolve(folder)),
    path: folder,
    voidLabels: voidLabels ?? (isVoc ? [VOC_VOID] : []),
    clicksFrom: clicks ? "clicks.csv" : "drawn",
    images,
    notes: notes.list(),
  };
}

interface Files {
  readonly photos: ReadonlyMap<string, string>;
  readonly maps: ReadonlyMap<string, string>;
  readonly isVoc: boolean;
}

async function photosAndMaps(folder: string, notes: Notes): Promise<Files> {
  const inside = (name: string) => path.join(folder, name);
  const apart = await imagesIn(inside("images"), "photo", notes);
  if (apart.size > 0) {
    return { photos: apart, maps: await imagesIn(inside("labels"), "label map", notes), isVoc: false };
  }
  const objects = inside("SegmentationObject");
  const mapFolder = (await isFolder(objects)) ? objects : inside("SegmentationClass");
  if ((await isFolder(inside("JPEGImages"))) && (await isFolder(mapFolder))) {
    const photos = await imagesIn(inside("JPEGImages"), "photo", notes);
    return { photos, maps: await imagesIn(mapFolder, "label map", notes), isVoc: true };
  }
  const photos = new Map<string, string>();
  const maps = new Map<string, string>();
  for (const [name, file] of await imagesIn(folder, "image", notes)) {
    if (name.endsWith(".labels")) maps.set(name.slice(0, -".labels".length), file);
    else photos.set(name, file);
  }
  return { photos, maps, isVoc: false };
}

/** `NAME.png` is annotator 1's, `NAME.K.png` annotator K's. Throws `E_BAD_FILE` where one annotator has two. */
function annotationsByImage(
  photos: ReadonlyMap<string, string>,
  maps: ReadonlyMap<string, string>,
  notes: Notes,
): Map<string, AnnotationSource[]> {
  const byImage = new Map<string, AnnotationSource[]>();
  for (const [stem, file] of maps) {
    const numbered = photos.has(stem) ? null : /^(.*)\.(\d{1,9})$/.exec(stem);
    const name = numbered ? numbered[1] : stem;
    if (!photos.has(name)) {
      const why = "a label map has its photo's name, or NAME.K of annotator K";
      notes.add("left-out", "label map without a photo", why, path.basename(file));
      continue;
    }
    const annotator = numbered ? Number(numbered[2]) : 1;
    const sources = byImage.get(name) ?? [];
    byImage.set(name, sources);
    const earlier = sources.find((source) => source.annotator === annotator);
    if (earlier?.kind === "labels") {
      throw new UnSAMError(
        "E_BAD_FILE",
        `${file} and ${path.basename(earlier.file)} are both the label map of annotator ${annotator} of ${name}; rename or remove one.`,
      );
    }
    sources.push({ annotator, kind: "labels", file });
  }
  for (const sources of byImage.values()) sources.sort((a, b) => a.annotator - b.annotator);
  return byImage;
}
