import { Mask } from "@unsam/core/mask";
import { readInstances, readObject, readParts, readSa1b } from "./benchmarks/read-regions.js";
import { cocoRegions } from "./coco/regions-of-photo.js";
import { type AnnotationSource, type DatasetImage, type Size, unpackRegions } from "./dataset.js";
import { labelRegions, labelsLikeVoid } from "./label-maps/label-regions.js";
import { type LabelMap, readLabelMap } from "./label-maps/read-label-map.js";
import { type Note, Notes } from "./notes.js";
import type { Regions } from "./regions.js";

/** One person's regions of one image. */
export interface Annotation {
  readonly annotator: number;
  /** Region of each pixel, or null where regions may overlap. */
  readonly labels: LabelMap | null;
  /** Of a label map by ascending number. */
  readonly regions: Regions;
  /** Pixels that this person decided on; null: all. */
  readonly decided: Mask | null;
}

/** What an answer is compared with. */
export interface Truth extends Size {
  /** Pixels that count in scores; null: all. */
  readonly counted: Mask | null;
  readonly annotations: readonly Annotation[];
  readonly notes: readonly Note[];
}

/**
 * Reads the regions of an image whose photo is of `size` (`readPhoto`). A pixel that any annotator gave a void label does
 * not count. Throws `E_IO` or `E_BAD_FILE`, also where a map has another size than its photo.
 */
export async function readTruth(
  image: DatasetImage,
  voidLabels: readonly number[],
  { width, height }: Size,
): Promise<Truth> {
  const size = { width, height };
  const notes = new Notes();
  const annotations: Annotation[] = [];
  for (const source of image.annotations) {
    annotations.push(await readAnnotation(source, image, voidLabels, size, notes));
  }
  if (image.stated && (image.stated.width !== width || image.stated.height !== height)) {
    const why = "regions are scaled to it";
    notes.add("adapted", "photo of another resolution than its annotations", why, image.name);
  }
  if (annotations.every(({ regions }) => regions.size === 0)) {
    notes.add("left-out", "photo without a region", "there is nothing to score on it", image.name);
  }
  const maps = annotations.flatMap(({ labels }) => (labels ? [labels] : []));
  const decided = annotations.map((annotation) => annotation.decided).find((mask) => mask !== null) ?? null;
  const counted = voidLabels.length > 0 && maps.length > 0 ? countedPixels(maps, voidLabels, size) : decided;
  return { ...size, counted, annotations, notes: notes.list() };
}

async function readAnnotation(
  source: AnnotationSource,
  image: DatasetImage,
  voidLabels: readonly number[],
  size: Size,
  notes: Notes,
): Promise<Annotation> {
  const { annotator } = source;
  if (source.kind === "masks") {
    const regions = cocoRegions(unpackRegions(source.regions), image.stated, size, notes);
    return { annotator, labels: null, regions, decided: null };
  }
  if (source.kind === "object-grabcut" || source.kind === "object-any") {
    const rule = source.kind === "object-any" ? "any" : "grabcut";
    const { regions, counted } = await readObject(source.file, rule, size);
    return { annotator, labels: null, regions, decided: counted };
  }
  if (source.kind === "sa-1b-json") {
    return { annotator, labels: null, regions: await readSa1b(source.file, size, notes), decided: null };
  }
  if (source.kind === "parts-mat") {
    return { annotator, labels: null, regions: await readParts(source.file, size, notes), decided: null };
  }
  const labels =
    source.kind === "instances-mat"
      ? await readInstances(source.file, size)
      : await readLabelMap(source.file, size);
  const regions = labelRegions(labels, voidLabels, source.file);
  for (const label of labelsLikeVoid(regions)) {
    const why = `it counts as a region; if it means void, write "void_labels": [${[...voidLabels, label].join(", ")}] in dataset.json`;
    notes.add("suspicious", `label ${label}, which often means void,`, why, image.name);
  }
  return { annotator, labels, regions, decided: null };
}

function countedPixels(
  maps: readonly LabelMap[],
  voidLabels: readonly number[],
  { width, height }: Size,
): Mask {
  const isVoid = new Set(voidLabels);
  const counted = new Uint8Array(width * height).fill(1);
  for (const { data } of maps) {
    for (let i = 0; i < data.length; i++) if (isVoid.has(data[i])) counted[i] = 0;
  }
  return Mask.fromBytes(width, height, counted);
}
