import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import type { Dataset, DatasetImage, RegionSource } from "./dataset.js";
import { isFile, readJson } from "./files.js";

interface CocoImage {
  readonly id: number;
  readonly file_name: string;
}

/**
 * A COCO JSON (`images`, `annotations` with polygons or RLE). Its photos are looked for beside it, in `images/`, and
 * one folder up, also in the folder that the JSON's name ends in (`annotations/instances_val2017.json` →
 * `val2017/`). Annotations with `iscrowd` are no single regions and are left out. Throws `E_IO`, `E_BAD_FILE`.
 */
export async function openCoco(file: string, content?: unknown): Promise<Dataset> {
  const { images, annotations, info, licenses } = checkCoco(content ?? (await readJson(file)), file);
  const regions = new Map<number, RegionSource[]>();
  for (const [k, annotation] of annotations.entries()) {
    const { id, image_id, segmentation, iscrowd } = (annotation ?? {}) as Record<string, unknown>;
    if (!Number.isInteger(image_id) || !isSegmentation(segmentation)) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `${file}, annotation ${k + 1} has no image_id or no segmentation (polygons or RLE).`,
      );
    }
    if (iscrowd === 1 || (Array.isArray(segmentation) && segmentation.length === 0)) continue;
    const list = regions.get(image_id as number) ?? [];
    regions.set(image_id as number, list);
    list.push({ id: Number.isInteger(id) ? (id as number) : k + 1, segmentation });
  }
  const find = await photoFinder(file, images);
  const found = images
    .filter(({ id }) => regions.has(id))
    .map(
      ({ id, file_name }): DatasetImage => ({
        name: path.parse(file_name).name,
        file: find(file_name),
        annotations: [{ annotator: 1, kind: "masks", regions: regions.get(id)! }],
        clicks: null,
      }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const about = (info ?? {}) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);
  const names = (Array.isArray(licenses) ? licenses : [])
    .map((licence) => text(licence?.name))
    .filter(Boolean);
  return {
    name: path.parse(file).name,
    path: file,
    title: text(about.description),
    licence: names.length > 0 ? names.join("; ") : null,
    citation: text(about.contributor),
    homepage: text(about.url),
    ignoresZero: false,
    clicksFrom: "drawn",
    images: found,
  };
}

function checkCoco(content: unknown, file: string) {
  const { images, annotations, info, licenses } = (content ?? {}) as Record<string, unknown>;
  const sound =
    Array.isArray(images) &&
    Array.isArray(annotations) &&
    images.every((image) => Number.isInteger(image?.id) && typeof image?.file_name === "string");
  if (!sound) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file} is no COCO JSON: it needs images (with id and file_name) and annotations.`,
    );
  }
  return { images: images as readonly CocoImage[], annotations: annotations as unknown[], info, licenses };
}

function isSegmentation(value: unknown): value is RegionSource["segmentation"] {
  if (Array.isArray(value)) {
    return value.every((ring) => Array.isArray(ring) && ring.every((side) => typeof side === "number"));
  }
  return typeof value === "object" && value !== null && "size" in value && "counts" in value;
}

/** The folder in which the first photo is found holds all of them. A photo that is missing is reported when it is read. */
async function photoFinder(file: string, images: readonly CocoImage[]): Promise<(name: string) => string> {
  const here = path.dirname(file);
  const split = path.parse(file).name.split("_").at(-1)!;
  const folders = [".", "images", split, "..", "../images", `../${split}`, `../images/${split}`];
  for (const { file_name } of images.slice(0, 3)) {
    for (const folder of folders) {
      const root = path.join(here, folder);
      if (await isFile(path.join(root, file_name))) return (name) => path.join(root, name);
    }
  }
  return (name) => path.join(here, name);
}
