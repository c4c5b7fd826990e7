import { ANNOTATION_FORMATS } from "@unsam/core/annotation-formats";
import {
  type AnnotatedImage,
  type AnnotatedRegion,
  DEFAULT_LABEL,
  maskOf,
} from "@unsam/core/annotation-record";
import { shownValue, UnSAMError } from "@unsam/core/errors";
import { Budget, checkLimits, type Limits } from "@unsam/core/limits";
import { Mask, type PackedMask, type Polygon, packMask, unpackMask } from "@unsam/core/mask";
import { checkKeys } from "@unsam/core/options";
import { computeThreads } from "@unsam/core/runtime";
import { localAddon } from "../scene-data/addon.js";
import type { WrittenAnnotations } from "./write-files.js";
import { type WriteAnnotationsOptions, writePlain } from "./write-plain.js";

const worker = computeThreads().bind<typeof import("./read.worker.js")>(
  new URL("./read.worker.js", import.meta.url),
  "bulk",
);

/** Names of the formats that are read and written; what each keeps: docs/formats.md. */
export const ANNOTATION_FORMAT_NAMES: readonly string[] = ANNOTATION_FORMATS.map(({ name }) => name);

/** A region of a photo, as it is written. Give a mask or polygons. */
export interface RegionToWrite {
  /** What it shows (default "region"). */
  readonly label?: string | undefined;
  readonly mask?: Mask | undefined;
  /** Outlines in pixels; where they are given, the mask is not looked at. */
  readonly polygons?: readonly Polygon[] | null | undefined;
  readonly score?: number | null | undefined;
  readonly stability?: number | null | undefined;
  readonly granularity?: number | null | undefined;
  /** The region that it is part of: its index. */
  readonly parent?: number | null | undefined;
}

/** A photo's regions, as they are written. */
export interface ImageToWrite {
  /** Name of the photo's file. */
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  readonly regions: readonly RegionToWrite[];
}

/** A region of a photo, as it was read; it can be written again. */
export class RegionAnnotation implements RegionToWrite {
  readonly label: string;
  /** Outlines as the file has them, with corners between pixels; null: it has pixels. */
  readonly polygons: readonly Polygon[] | null;
  readonly score: number | null;
  readonly stability: number | null;
  readonly granularity: number | null;
  readonly parent: number | null;
  readonly #region: AnnotatedRegion;
  readonly #size: { readonly width: number; readonly height: number };

  /** @internal */
  constructor(region: AnnotatedRegion, size: { readonly width: number; readonly height: number }) {
    const { label, shape, score, stability, granularity, parent } = region;
    this.label = label;
    this.polygons = shape.kind === "polygons" ? shape.polygons : null;
    this.score = score;
    this.stability = stability;
    this.granularity = granularity;
    this.parent = parent;
    this.#region = region;
    this.#size = size;
  }

  /** Its pixels; of outlines those whose centres lie in them. A new object each time. */
  get mask(): Mask {
    const { width, height } = this.#size;
    return new Mask(width, height, unpackMask(this.packed));
  }

  /** @internal */
  get packed(): PackedMask {
    return maskOf(this.#region, this.#size, new Budget("The mask of an annotation"));
  }
}

/** A photo's regions, as they were read. */
export interface ImageAnnotations extends ImageToWrite {
  readonly regions: readonly RegionAnnotation[];
}

export interface ReadAnnotationsOptions extends Pick<Limits, "maxPixels" | "maxBytes"> {
  /** Name of the format; left out, the file's name and content tell. */
  readonly format?: string | undefined;
  /** Folder of the photos, for formats that do not tell their size; default: beside the file, or in `images`. */
  readonly photos?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadAnnotations {
  readonly format: string;
  readonly images: readonly ImageAnnotations[];
  /** What was left out or taken otherwise, a line each. */
  readonly notes: readonly string[];
}

const READ_KEYS = ["format", "photos", "maxPixels", "maxBytes", "signal"];
const WRITE_KEYS = ["format", "simplify", "georeference", "epsg", "signal"];

/**
 * Reads annotations in any of the formats, or a saved scene; of a folder all its files. They are not trusted: what masks take is
 * checked against `maxPixels` (default 100 million) and `maxBytes` (default 1 GiB). Throws `E_BAD_FILE`, `E_BAD_OPTION`,
 * `E_BAD_IMAGE`, `E_IO`, or the signal's reason.
 */
export async function readAnnotations(
  path: string,
  options: ReadAnnotationsOptions = {},
): Promise<ReadAnnotations> {
  checkKeys(options, READ_KEYS, "readAnnotations");
  const { format, photos, maxPixels, maxBytes, signal } = options;
  checkLimits({ maxPixels, maxBytes });
  const addon = await localAddon();
  const stored = await worker("read", [path, { format, photos, maxPixels, maxBytes, addon }], { signal });
  const images = stored.images.map((image): ImageAnnotations => {
    return { ...image, regions: image.regions.map((region) => new RegionAnnotation(region, image)) };
  });
  return { format: stored.format, images, notes: stored.notes };
}

/**
 * Writes annotations of one or several photos. Where the format has a file for each photo, several go into a folder. Throws
 * `E_BAD_OPTION`, `E_BAD_PROMPT`, `E_IO`, or the signal's reason.
 */
export async function writeAnnotations(
  path: string,
  images: readonly ImageToWrite[],
  options: WriteAnnotationsOptions = {},
): Promise<WrittenAnnotations> {
  checkKeys(options, WRITE_KEYS, "writeAnnotations");
  const plain: AnnotatedImage[] = [];
  for (const [k, image] of images.entries()) {
    checkImage(image, `images[${k}]`);
    const regions: AnnotatedRegion[] = [];
    for (const [i, region] of image.regions.entries()) {
      regions.push(plainRegion(region, image, `images[${k}].regions[${i}]`));
      // Packing a mask takes milliseconds.
      if (i % 8 === 7) await new Promise(setImmediate);
      options.signal?.throwIfAborted();
    }
    plain.push({ fileName: image.fileName, width: image.width, height: image.height, regions });
  }
  return writePlain(path, plain, options);
}

function checkImage({ fileName, width, height }: ImageToWrite, where: string): void {
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) >= 1;
  if (typeof fileName === "string" && isSide(width) && isSide(height)) return;
  throw new UnSAMError(
    "E_BAD_PROMPT",
    `${where} is ${shownValue(fileName)} of ${shownValue(width)}×${shownValue(height)} pixels; give a name and a size.`,
  );
}

function checkFacts({ label, score, stability, granularity }: AnnotatedFacts, where: string): void {
  if (typeof label !== "string") {
    throw new UnSAMError("E_BAD_PROMPT", `${where}.label is ${shownValue(label)}; it must be a text.`);
  }
  for (const [name, value] of Object.entries({ score, stability, granularity })) {
    if (value === null || Number.isFinite(value)) continue;
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${where}.${name} is ${shownValue(value)}; it must be a number or null.`,
    );
  }
}

type AnnotatedFacts = Omit<AnnotatedRegion, "shape">;

function checkPolygons(polygons: readonly Polygon[], where: string): void {
  const isPoint = (point: unknown) =>
    Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  const isRing = (ring: unknown) => Array.isArray(ring) && ring.length >= 3 && ring.every(isPoint);
  for (const polygon of polygons) {
    if (isRing(polygon?.outer) && Array.isArray(polygon.holes) && polygon.holes.every(isRing)) continue;
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${where}.polygons holds ${shownValue(polygon)}; a polygon is { outer, holes }, rings of 3 or more points [x, y].`,
    );
  }
}

function plainRegion(region: RegionToWrite, image: ImageToWrite, where: string): AnnotatedRegion {
  const {
    label = DEFAULT_LABEL,
    polygons,
    score = null,
    stability = null,
    granularity = null,
    parent = null,
  } = region;
  const facts = { label, score, stability, granularity, parent };
  if (parent !== null && !(Number.isInteger(parent) && parent >= 0 && parent < image.regions.length)) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${where}.parent is ${shownValue(parent)}; it is the index of a region.`,
    );
  }
  checkFacts(facts, where);
  if (polygons) checkPolygons(polygons, where);
  if (polygons) return { ...facts, shape: { kind: "polygons", polygons } };
  if (region instanceof RegionAnnotation) return { ...facts, shape: { kind: "mask", mask: region.packed } };
  const { mask } = region;
  if (!mask) throw new UnSAMError("E_BAD_PROMPT", `${where} has neither a mask nor polygons; give one.`);
  if (mask.width !== image.width || mask.height !== image.height) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${where} has a mask of ${mask.width}×${mask.height} pixels, but its image is ${image.width}×${image.height}.`,
    );
  }
  return { ...facts, shape: { kind: "mask", mask: packMask(mask.words, mask.width, mask.height) } };
}
