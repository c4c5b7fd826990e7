import { UnSAMError } from "@unsam/core/errors";
import { Mask, type RLE } from "@unsam/core/mask";
import type { RegionSource, Size } from "../dataset.js";
import type { Notes } from "../notes.js";
import { Regions } from "../regions.js";
import { areaOfRings, fillRings } from "./fill-rings.js";

/**
 * The regions of one photo of a COCO JSON. Masks of another resolution than the photo's are scaled to it: corners of rings
 * by the ratio, run lengths by their nearest pixels. A region without a pixel is left out and noted. Throws `E_BAD_FILE`
 * for run lengths that are malformed or of another size.
 */
export function cocoRegions(
  sources: readonly RegionSource[],
  stated: Size | null,
  photo: Size,
  notes: Notes,
): Regions {
  const byId = new Map(sources.map((source) => [source.id, source]));
  const areas = new Map<number, number>();
  const size = stated ?? photo;
  for (const source of sources) {
    const area = areaOf(source, size, photo);
    if (area > 0) areas.set(source.id, area);
    else
      notes.add(
        "left-out",
        "region without a pixel",
        "it is too small, or lies outside the photo",
        source.name,
      );
  }
  return new Regions(areas, (id) => maskOf(byId.get(id)!, size, photo));
}

function maskOf({ name, segmentation }: RegionSource, stated: Size, photo: Size): Mask {
  if (!("size" in segmentation))
    return fillRings(scaled(segmentation, stated, photo), photo.width, photo.height);
  const mask = decode(segmentation, name, stated);
  return isSame(stated, photo) ? mask : resample(mask, photo);
}

/** A photo may have tens of thousands of regions: rings are counted without a mask for each. */
function areaOf(source: RegionSource, stated: Size, photo: Size): number {
  const { segmentation } = source;
  if ("size" in segmentation) return maskOf(source, stated, photo).area;
  return areaOfRings(scaled(segmentation, stated, photo), photo.width, photo.height);
}

function scaled(
  rings: readonly (readonly number[])[],
  stated: Size,
  photo: Size,
): readonly (readonly number[])[] {
  if (isSame(stated, photo)) return rings;
  const ratios = [photo.width / stated.width, photo.height / stated.height];
  return rings.map((ring) => ring.map((side, k) => side * ratios[k % 2]));
}

function isSame(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** The size is compared before anything is decoded. */
function decode(rle: RLE, name: string, { width, height }: Size): Mask {
  const [rows, columns] = Array.isArray(rle.size) ? rle.size : [];
  if (rows !== height || columns !== width) {
    const swapped = rows === width && columns === height ? " (COCO's size is [height, width])" : "";
    throw new UnSAMError(
      "E_BAD_FILE",
      `The run lengths of ${name} have size [${String(rle.size).slice(0, 40)}], but its photo is ${width}×${height}${swapped}.`,
    );
  }
  try {
    return Mask.fromRLE(rle);
  } catch (cause) {
    if (!UnSAMError.isInstance(cause)) throw cause;
    throw new UnSAMError("E_BAD_FILE", `The run lengths of ${name}: ${cause.message}`, { cause });
  }
}

function resample(mask: Mask, { width, height }: Size): Mask {
  const bytes = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const row = ((y + 0.5) * mask.height) / height;
    for (let x = 0; x < width; x++, i++) bytes[i] = mask.has(((x + 0.5) * mask.width) / width, row) ? 1 : 0;
  }
  return Mask.fromBytes(width, height, bytes);
}
