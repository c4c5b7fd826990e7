import { stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { openCoco } from "./coco.js";
import type { Dataset } from "./dataset.js";
import { isFile, list, readJson } from "./files.js";
import { openLabelMaps } from "./label-maps.js";

/**
 * Opens what a path holds, whichever of these it is:
 * - a data set with `dataset.json` or `clicks.csv` (label maps in `labels/`, photos in `images/`),
 * - any other folder of photos and label maps (`openLabelMaps`),
 * - a COCO JSON file, or a folder that holds one (`openCoco`),
 * - a folder of such folders.
 * Throws `E_BAD_OPTION` where nothing is there, `E_BAD_FILE` where what is there is malformed or none of these.
 */
export async function openDatasets(where: string): Promise<Dataset[]> {
  const found = await stat(where).catch(() => null);
  if (!found)
    throw new UnSAMError(
      "E_BAD_OPTION",
      `There is nothing at ${where}; give a data set's folder or a COCO JSON.`,
    );
  if (found.isFile()) return [await openCoco(where)];
  const here = await openFolder(where);
  if (here) return [here];
  const sets: Dataset[] = [];
  for (const name of await list(where)) {
    const folder = path.join(where, name);
    if (!(await stat(folder).catch(() => null))?.isDirectory()) continue;
    const set = await openFolder(folder);
    if (set) sets.push(set);
  }
  if (sets.length === 0) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${where} holds no data set; it needs photos with label maps (images/ and labels/), a COCO JSON, or folders of these.`,
    );
  }
  return sets;
}

/** null: the folder is no data set by itself. */
async function openFolder(folder: string): Promise<Dataset | null> {
  const described = await isFile(path.join(folder, "dataset.json"));
  if (described || (await isFile(path.join(folder, "clicks.csv")))) {
    const set = await openLabelMaps(folder);
    if (set.images.length > 0) return set;
    throw new UnSAMError(
      "E_BAD_FILE",
      `${folder} has no photo in images/ with a label map of its name in labels/.`,
    );
  }
  for (const name of await list(folder)) {
    if (!name.endsWith(".json")) continue;
    const file = path.join(folder, name);
    const content = await readJson(file).catch(() => null);
    if (isCoco(content)) return openCoco(file, content);
  }
  const set = await openLabelMaps(folder);
  return set.images.length > 0 ? set : null;
}

function isCoco(content: unknown): content is object {
  return typeof content === "object" && content !== null && "images" in content && "annotations" in content;
}
