import { UnSAMError } from "@unsam/core/errors";
import { Mask, type Polygon, type PolygonPoint, type RLE } from "@unsam/core/mask";
import sharp from "sharp";
import { labelMasks } from "../label-masks.js";
import type { AnnotationSource, DatasetImage, RegionSource } from "./dataset.js";

/** 16-bit map of region numbers; 0 is the data set's own: nothing, background, or to be ignored. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** [height, width] */
  readonly data: Uint16Array;
}

/** One person's regions of one image. */
export interface Annotation {
  readonly annotator: number;
  /** Region of each pixel, or null where regions may overlap. */
  readonly labels: LabelMap | null;
  /** By region number, ascending; 0 is none. */
  readonly regions: ReadonlyMap<number, Mask>;
}

/** What an answer is compared with. */
export interface Truth {
  readonly width: number;
  readonly height: number;
  /** Pixels that count in scores; null: all. */
  readonly counted: Mask | null;
  readonly annotations: readonly Annotation[];
}

/**
 * Reads the regions of an image of `size`. Throws `E_IO` or `E_BAD_FILE`, also where a map has another size than its
 * photo.
 */
export async function readTruth(
  image: DatasetImage,
  ignoresZero: boolean,
  size: { width: number; height: number },
): Promise<Truth> {
  const annotations: Annotation[] = [];
  for (const source of image.annotations) annotations.push(await readAnnotation(source, image.name, size));
  const [first] = annotations;
  const counted =
    ignoresZero && first?.labels ? Mask.fromBytes(size.width, size.height, first.labels.data) : null;
  return { ...size, counted, annotations };
}

async function readAnnotation(
  source: AnnotationSource,
  name: string,
  { width, height }: { width: number; height: number },
): Promise<Annotation> {
  const { annotator } = source;
  if (source.kind === "masks") {
    const regions = new Map(source.regions.map((region) => [region.id, regionMask(region, width, height)]));
    return { annotator, labels: null, regions };
  }
  const labels = await readLabelMap(source.file);
  if (labels.width !== width || labels.height !== height) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${source.file} is ${labels.width}×${labels.height}, but the photo ${name} is ${width}×${height}.`,
    );
  }
  const regions = labelMasks(labels.data, width, height);
  regions.delete(0);
  return { annotator, labels, regions };
}

/** Polygons of one region are united, as in COCO; pixels count whose centres lie inside. */
function regionMask({ id, segmentation }: RegionSource, width: number, height: number): Mask {
  if (!Array.isArray(segmentation)) {
    const mask = Mask.fromRLE(segmentation as RLE);
    if (mask.width === width && mask.height === height) return mask;
    throw new UnSAMError(
      "E_BAD_FILE",
      `The mask of annotation ${id} is ${mask.width}×${mask.height}, but its photo is ${width}×${height}.`,
    );
  }
  const polygons = segmentation.map((flat): Polygon => {
    const outer = Array.from(
      { length: flat.length >> 1 },
      (_, k): PolygonPoint => [flat[2 * k], flat[2 * k + 1]],
    );
    return { outer, holes: [] };
  });
  return Mask.fromPolygons(width, height, polygons);
}

/** Reads a one-channel PNG of 8 or 16 bits with its values as they are. Throws `E_BAD_FILE`. */
export async function readLabelMap(file: string): Promise<LabelMap> {
  const bad = (cause: Error) =>
    new UnSAMError("E_BAD_FILE", `The label map ${file} cannot be read: ${cause.message}.`, { cause });
  const { depth, isPalette } = await sharp(file)
    .metadata()
    .catch((cause) => {
      throw bad(cause);
    });
  const { data, info } = await sharp(file)
    .toColourspace("grey16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => {
      throw bad(cause);
    });
  if (info.channels !== 1 || isPalette) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file} is no label map: it has ${isPalette ? "a palette" : `${info.channels} channels`}; store region numbers as grey values.`,
    );
  }
  const values = new Uint16Array(new Uint8Array(data).buffer);
  // A byte b comes as 257 · b: stretched to the range of 16 bits.
  const labels = depth === "uchar" ? values.map((value) => value / 257) : values;
  return { width: info.width, height: info.height, data: labels };
}
