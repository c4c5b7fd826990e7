import type { ExportFormat, ExportRequest } from "../service/studio-service.ts";
import type { Studio } from "../session/studio.ts";
import { cutOut } from "./cutout.ts";
import { download, stemOf } from "./download.ts";

/** What can be saved, as it is offered. */
export const FORMATS: readonly {
  readonly format: ExportFormat | "png";
  readonly name: string;
  readonly about: string;
}[] = [
  { format: "png", name: "PNG cut-out", about: "the selected object alone, the rest transparent" },
  { format: "coco", name: "COCO", about: "masks as run lengths, one JSON file" },
  { format: "labelme", name: "Labelme", about: "shapes for the Labelme program" },
  { format: "yolo", name: "YOLO", about: "outlines to train with, and the names of classes" },
  { format: "svg", name: "SVG", about: "outlines for drawing programs" },
  { format: "scene", name: "Scene file", about: "parts and wholes, for the SDK" },
];

/** Saves what is shown: the objects, or everything. Returns a sentence about it. Throws one about what is missing. */
export async function saveAs(studio: Studio, format: ExportFormat | "png"): Promise<string> {
  const { photo } = studio.state;
  if (!photo) throw new Error("There is no photo; open one first.");
  if (format === "png") return saveCutOut(studio);
  const regions = regionsOf(studio);
  if (regions.length === 0) throw new Error("There is nothing to export yet; click on something first.");
  const { name, width, height } = photo;
  const { files, lost } = await studio.service.export({ format, photo: { name, width, height }, regions });
  for (const file of files) download(file.name, file.text);
  const saved = `Saved ${files.map((file) => file.name).join(", ")}.`;
  return lost.length === 0 ? saved : `${saved} It does not tell ${lost.join("; ")}.`;
}

async function saveCutOut(studio: Studio): Promise<string> {
  const { photo, mode, scene, sceneSelected } = studio.state;
  const object = studio.selected;
  const mask =
    mode === "everything" && scene && sceneSelected !== null ? scene.scene.masks[sceneSelected] : null;
  const source = mask
    ? { counts: mask.rle.counts as string, bbox: mask.bbox }
    : object && studio.shown(object);
  if (!photo || !source) throw new Error("Nothing is selected; click on something first.");
  if (source.bbox.width === 0) throw new Error("The mask is empty; click somewhere else.");
  const part = mask ? `mask ${mask.id}` : object!.name;
  const name = `${stemOf(photo.name)}-${part.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-")}.png`;
  download(name, await cutOut(photo, source));
  return `Saved ${name}.`;
}

function regionsOf(studio: Studio): ExportRequest["regions"] {
  const { mode, scene } = studio.state;
  if (mode === "everything" && scene) {
    return scene.scene.masks.map(({ score, stability, granularity, parent, rle, id }) => {
      const [red, green, blue] = [0, 8, 16].map((shift) => (scene.colours[id] >> shift) & 255);
      const colour = `#${[red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
      return { label: "region", score, stability, granularity, parent, colour, counts: rle.counts as string };
    });
  }
  return studio.document.objects.flatMap((object) => {
    const shown = studio.shown(object);
    if (!shown) return [];
    const { score, stability, granularity, counts } = shown;
    const { name: label, colour } = object;
    return [{ label, score, stability, granularity, parent: null, colour, counts }];
  });
}
