import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { parseCsv } from "./csv.js";
import type { AnnotationSource, Click, Dataset, DatasetImage } from "./dataset.js";
import { imagesIn, isFile, readJson, readText } from "./files.js";

/**
 * A folder of photos and label maps: `images/` and `labels/`, or both side by side with label maps that end in
 * `.labels.png`. A label map has its photo's name, or `NAME.K.png` for annotator K of several. `dataset.json` (what the
 * set is, and with `"zero_label": "ignore"` that pixels labelled 0 do not count) and `clicks.csv` may be there; without
 * clicks they are drawn. Throws `E_IO`, `E_BAD_FILE`.
 */
export async function openLabelMaps(folder: string): Promise<Dataset> {
  const about = await readDescription(path.join(folder, "dataset.json"));
  const apart = await imagesIn(path.join(folder, "images"));
  const maps = apart.size > 0 ? await imagesIn(path.join(folder, "labels")) : new Map<string, string>();
  const photos = apart.size > 0 ? apart : new Map<string, string>();
  if (apart.size === 0) {
    for (const [name, file] of await imagesIn(folder)) {
      if (name.endsWith(".labels")) maps.set(name.slice(0, -".labels".length), file);
      else photos.set(name, file);
    }
  }
  const table = path.join(folder, "clicks.csv");
  const clicks = (await isFile(table)) ? readClicks(await readText(table), table, photos) : null;
  const annotations = annotationsByImage(photos, maps);
  const images: DatasetImage[] = [...photos]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .filter(([name]) => annotations.has(name))
    .map(([name, file]) => ({
      name,
      file,
      annotations: annotations.get(name)!,
      clicks: clicks?.get(name) ?? (clicks ? [] : null),
    }));
  return {
    name: about.name ?? path.basename(path.resolve(folder)),
    path: folder,
    title: about.title ?? null,
    licence: about.licence ?? null,
    citation: about.citation ?? null,
    homepage: about.homepage ?? null,
    ignoresZero: about.zero_label === "ignore",
    clicksFrom: clicks ? "clicks.csv" : "drawn",
    images,
  };
}

type Description = Partial<
  Record<"name" | "title" | "licence" | "citation" | "homepage" | "zero_label", string>
>;

async function readDescription(file: string): Promise<Description> {
  if (!(await isFile(file))) return {};
  const content = await readJson(file);
  if (typeof content !== "object" || content === null) {
    throw new UnSAMError("E_BAD_FILE", `${file} holds no JSON object.`);
  }
  return Object.fromEntries(Object.entries(content).filter(([, value]) => typeof value === "string"));
}

/** `NAME.png` is annotator 1's, `NAME.K.png` annotator K's. */
function annotationsByImage(
  photos: ReadonlyMap<string, string>,
  maps: ReadonlyMap<string, string>,
): Map<string, AnnotationSource[]> {
  const byImage = new Map<string, AnnotationSource[]>();
  for (const [stem, file] of maps) {
    const numbered = photos.has(stem) ? null : /^(.*)\.(\d+)$/.exec(stem);
    const name = numbered ? numbered[1] : stem;
    if (!photos.has(name)) continue;
    const sources = byImage.get(name) ?? [];
    byImage.set(name, sources);
    sources.push({ annotator: numbered ? Number(numbered[2]) : 1, kind: "labels", file });
  }
  for (const sources of byImage.values()) sources.sort((a, b) => a.annotator - b.annotator);
  return byImage;
}

function readClicks(text: string, file: string, photos: ReadonlyMap<string, string>): Map<string, Click[]> {
  const byImage = new Map<string, Click[]>();
  for (const [k, row] of parseCsv(text).entries()) {
    const click: Click = {
      image: row.image,
      annotator: Number(row.annotator || 1),
      region: Number(row.region),
      x: Number(row.x),
      y: Number(row.y),
    };
    const { annotator, region, x, y } = click;
    const whole = [annotator, region, x, y].every((n) => Number.isInteger(n) && n >= 0);
    if (!whole || !photos.has(click.image)) {
      const line = Object.values(row).join(",");
      throw new UnSAMError("E_BAD_FILE", `${file}, click ${k + 1} (${line}) has no image or no numbers.`);
    }
    const clicks = byImage.get(click.image) ?? [];
    byImage.set(click.image, clicks);
    clicks.push(click);
  }
  return byImage;
}
