import path from "node:path";
import { type Dataset, type DatasetImage, packRegions } from "../dataset.js";
import { readJson } from "../files.js";
import { Notes } from "../notes.js";
import { regionsByImage } from "./annotations.js";
import { checkCoco } from "./coco-file.js";
import { imageNames, photoFinder } from "./photos.js";

/**
 * A COCO JSON (`images`, `annotations` with polygons or RLE); its photos are found by `photoFinder`. Nothing that cannot
 * be scored is dropped in silence: it is counted in `notes`. Throws `E_IO`, `E_BAD_FILE`.
 */
export async function openCoco(file: string, content?: unknown): Promise<Dataset> {
  const notes = new Notes();
  const coco = checkCoco(content ?? (await readJson(file)), file, notes);
  const regions = regionsByImage(coco, file, notes);
  const listed = [...coco.images.values()];
  const find = await photoFinder(file, listed, notes);
  const names = imageNames(listed);
  const images: DatasetImage[] = [];
  for (const image of listed) {
    const own = regions.get(image.key);
    if (!own) {
      notes.add("left-out", "photo without a region", "there is nothing to score on it", image.fileName);
      continue;
    }
    if (!image.stated) {
      const why = "whether the photo is the one that was annotated cannot be checked";
      notes.add("suspicious", "image without width and height", why, image.fileName);
    }
    images.push({
      name: names.get(image.key)!,
      file: await find(image),
      stated: image.stated,
      annotations: [{ annotator: 1, kind: "masks", regions: packRegions(own) }],
      clicks: null,
    });
  }
  const { title, licence, citation, homepage } = coco;
  return {
    name: path.parse(file).name,
    path: file,
    title,
    licence,
    citation,
    homepage,
    voidLabels: [],
    clicksFrom: "drawn",
    images: images.sort((a, b) => (a.name < b.name ? -1 : 1)),
    notes: notes.list(),
  };
}
