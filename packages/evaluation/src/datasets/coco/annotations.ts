import type { RegionSource } from "../dataset.js";
import type { Notes } from "../notes.js";
import { type CocoFile, idKey } from "./coco-file.js";

/** Beyond, COCO's own tools overflow; no photo comes near it. */
const FARTHEST = 1e8;
const CROWD: readonly unknown[] = [1, true, "1", "true"];

/**
 * The regions of each image by the image's key. What cannot be a region is left out and noted: crowds, annotations of
 * images that are not listed, without a segmentation, or with no ring of three points.
 */
export function regionsByImage(coco: CocoFile, file: string, notes: Notes): Map<string, RegionSource[]> {
  const number = numbering(coco.annotations, notes);
  const regions = new Map<string, RegionSource[]>();
  for (const [k, entry] of coco.annotations.entries()) {
    const annotation = (typeof entry === "object" && entry !== null ? entry : {}) as Record<string, unknown>;
    const where = `${file}: annotations[${k}]`;
    const name = `annotation ${idKey(annotation.id, `${where}.id`) ?? `at place ${k + 1}`}`;
    const leave = (what: string, why: string) => notes.add("left-out", what, why, name);
    const key = idKey(annotation.image_id, `${where}.image_id`);
    if (key === null) leave("annotation without an image_id", "it belongs to no image");
    else if (!coco.images.has(key))
      leave("annotation of an image that is not listed", `images has no such id`);
    else if (CROWD.includes(annotation.iscrowd)) {
      leave("annotation marked iscrowd", "a crowd is no single region");
    } else {
      const segmentation = segmentationOf(annotation.segmentation, name, notes);
      if (segmentation === null) continue;
      const own = regions.get(key) ?? [];
      regions.set(key, own);
      own.push({ id: number(annotation.id, k), name, segmentation });
    }
  }
  return regions;
}

/** Ids where they are numbers and no two are one; else places in the file, from 1, for ids only name. */
function numbering(annotations: readonly unknown[], notes: Notes): (id: unknown, k: number) => number {
  const seen = new Set<unknown>();
  for (const [k, annotation] of annotations.entries()) {
    const id = (annotation as Record<string, unknown> | null)?.id;
    const isNumber = Number.isSafeInteger(id);
    if (isNumber && !seen.has(id)) {
      seen.add(id);
      continue;
    }
    const what = isNumber ? "annotation id that occurs twice" : "annotation id that is no whole number";
    notes.add(
      "adapted",
      what,
      "regions are numbered by their place in the file instead",
      `${id ?? `none, at place ${k + 1}`}`,
    );
    return (_, place) => place + 1;
  }
  return (id) => id as number;
}

/** null: nothing of it can be used, and that is noted. */
function segmentationOf(value: unknown, name: string, notes: Notes): RegionSource["segmentation"] | null {
  const leave = (what: string, why: string) => {
    notes.add("left-out", what, why, name);
    return null;
  };
  if (value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)) {
    return leave("annotation without a segmentation", "a region needs polygons or run lengths");
  }
  if (!Array.isArray(value)) {
    const isRle = typeof value === "object" && "size" in value && "counts" in value;
    if (isRle) return value as RegionSource["segmentation"];
    return leave("annotation whose segmentation is neither polygons nor run lengths", "it cannot be read");
  }
  const isFlat = value.every((side) => typeof side === "number");
  if (isFlat) notes.add("adapted", "segmentation that is one flat list", "it is taken as one ring", name);
  const rings: number[][] = [];
  for (const ring of isFlat ? [value] : value) {
    const problem = ringProblem(ring);
    if (problem) notes.add("left-out", `ring ${problem}`, "it encloses nothing that could be filled", name);
    else rings.push(ring as number[]);
  }
  if (rings.length > 0) return rings;
  return leave("annotation without a ring of 3 points", "a region needs one");
}

function ringProblem(ring: unknown): string | null {
  if (!Array.isArray(ring)) return "that is no list";
  if (!ring.every((side) => typeof side === "number" && Number.isFinite(side))) {
    return "with a coordinate that is no number";
  }
  if (ring.length % 2 !== 0) return "with an odd number of coordinates";
  if (ring.length < 6) return "of fewer than 3 points";
  return ring.every((side) => Math.abs(side) <= FARTHEST) ? null : `with a coordinate beyond ${FARTHEST}`;
}
