import path from "node:path";
import { annotationFormatOf } from "@unsam/core/annotation-formats";
import {
  type AnnotatedImage,
  type AnnotationCodec,
  className,
  codecNamed,
  codecOf,
  lossesOf,
  simplified,
  type WriteContext,
  withoutEmpty,
} from "@unsam/core/annotations";
import { UnSAMError } from "@unsam/core/errors";
import { makeFolder, outputName, shown, writePieces, writeWhole } from "@unsam/core/files";
import { type GeoTransform, requireGeoreference } from "@unsam/core/georeference";
import { Budget } from "@unsam/core/limits";
import type { Abortable } from "@unsam/core/runtime";
import { CLASSES_FILE, classesBeside, DATA_FILE } from "./companions.js";

export interface WritingOptions {
  readonly format: string | undefined;
  readonly simplify: number | undefined;
  /** Path of the photo that says where the image lies on a map. */
  readonly georeference: string | undefined;
  readonly epsg: number | undefined;
  readonly maxBytes: number | undefined;
}

export interface WrittenAnnotations {
  readonly format: string;
  readonly files: readonly string[];
  /** What the files do not tell, a line each. */
  readonly lost: readonly string[];
}

/**
 * Writes images in one format: one file, or, where a format has a file for each image and there are several, a folder.
 * Throws `E_BAD_OPTION`, `E_IO`, and what the signal throws.
 */
export async function writeAnnotationFiles(
  where: string,
  images: readonly AnnotatedImage[],
  options: WritingOptions,
  signal: Abortable,
): Promise<WrittenAnnotations> {
  const format =
    options.format === undefined ? codecOf(annotationFormatOf(where)) : codecNamed(options.format, "format");
  const lost = lossesOf(images, format);
  const budget = new Budget("What is written", options.maxBytes, "E_BAD_OPTION");
  const { simplify } = options;
  const prepared = images.map((image) => {
    signal.throwIfAborted();
    return simplify === undefined ? withoutEmpty(image) : simplified(image, simplify, budget, signal);
  });
  if (simplify !== undefined && simplify > 0) lost.push(`detail of outlines below ${simplify} pixels`);
  if (format.changes !== null && images.some(({ regions }) => regions.length > 0)) lost.push(format.changes);
  const georeference = await georeferenceOf(format, images, options, lost, signal);
  const isFolder = format.images === "one" && (images.length !== 1 || !hasEnd(where, format));
  const classes = await classesOf(prepared, format, where, isFolder, lost, signal);
  const context = { budget, signal, classes, georeference };
  if (!isFolder) {
    await writePieces(where, textOf(format, prepared, context), signal);
    return { format: format.name, files: [where], lost };
  }
  const names = namesOf(prepared, format);
  const folder = format.numbersLabels ? path.join(where, "labels") : where;
  await makeFolder(folder);
  const files: string[] = [];
  for (const [k, image] of prepared.entries()) {
    signal.throwIfAborted();
    const file = path.join(folder, names[k]);
    await writePieces(file, textOf(format, [image], context), signal);
    files.push(file);
  }
  if (format.numbersLabels) files.push(...(await writeClasses(where, classes)));
  return { format: format.name, files, lost };
}

/** Throws `E_BAD_OPTION` where a piece is more than a text can hold. */
async function* textOf(
  format: AnnotationCodec,
  images: readonly AnnotatedImage[],
  context: WriteContext,
): AsyncGenerator<string> {
  try {
    yield* format.write(images, context);
  } catch (cause) {
    // V8 holds texts of half a gigabyte.
    if (!(cause instanceof RangeError)) throw cause;
    throw new UnSAMError(
      "E_BAD_OPTION",
      "The regions are too many for one file; write fewer images at once, or another format.",
      { cause },
    );
  }
}

function hasEnd(file: string, { suffixes, inFolder }: AnnotationCodec): boolean {
  return [...suffixes, inFolder].some((end) => file.toLowerCase().endsWith(end));
}

/** Names of files in a folder, by the photos'. Throws `E_BAD_OPTION` where two are one. */
function namesOf(images: readonly AnnotatedImage[], { inFolder }: AnnotationCodec): string[] {
  const taken = new Map<string, string>();
  return images.map(({ fileName }, k) => {
    const stem = path.posix.parse(fileName.replaceAll("\\", "/")).name || `image-${k + 1}`;
    const name = outputName(stem.replace(/[:*?"<>|\p{Cc}]/gu, "_"), inFolder);
    const earlier = taken.get(name);
    if (earlier !== undefined) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `The photos ${shown(earlier)} and ${shown(fileName)} would share the file ${name}; convert them apart.`,
      );
    }
    taken.set(name, fileName);
    return name;
  });
}

/** Numbers that are in use stay; new labels come behind them. Of a single file that names no classes, they are told. */
async function classesOf(
  images: readonly AnnotatedImage[],
  format: AnnotationCodec,
  where: string,
  isFolder: boolean,
  lost: string[],
  signal: Abortable,
): Promise<string[]> {
  if (!format.numbersLabels) return [];
  const known = (await classesBeside(isFolder ? path.join(where, CLASSES_FILE) : where, signal)) ?? [];
  const labels = new Set(images.flatMap(({ regions }) => regions.map(({ label }) => className(label))));
  const classes = [...new Set([...known, ...labels])];
  const untold = classes.length > known.length && !isFolder;
  if (untold) {
    const names = classes.slice(0, 20).map((name, k) => `${k} ${name}`);
    lost.push(
      `the names of classes, which a ${CLASSES_FILE} beside the file would tell (${names.join(", ")})`,
    );
  }
  return classes;
}

async function writeClasses(folder: string, classes: readonly string[]): Promise<string[]> {
  const [list, data] = [path.join(folder, CLASSES_FILE), path.join(folder, DATA_FILE)];
  await writeWhole(list, classes.map((name) => `${name}\n`).join(""));
  // JSON's strings are YAML's, too.
  const names = classes.map((name, k) => `  ${k}: ${JSON.stringify(name)}\n`).join("");
  await writeWhole(data, `path: .\ntrain: images\nval: images\nnames:\n${names}`);
  return [list, data];
}

/** Throws `E_BAD_OPTION` where no place on a map is known, or the format has none. */
async function georeferenceOf(
  format: AnnotationCodec,
  images: readonly AnnotatedImage[],
  { georeference: photo, epsg }: WritingOptions,
  lost: string[],
  signal: Abortable,
): Promise<GeoTransform | null> {
  if (photo === undefined) {
    if (epsg === undefined) return null;
    throw new UnSAMError("E_BAD_OPTION", `epsg is ${epsg}, but no georeference is given.`);
  }
  if (!format.isForMaps || images.length !== 1) {
    throw new UnSAMError("E_BAD_OPTION", "A georeference is for the GeoJSON of one photo.");
  }
  const found = await requireGeoreference(photo, signal);
  const placed = { ...found, epsg: epsg ?? found.epsg };
  if (placed.epsg === null) {
    lost.push("the coordinate reference system: a world file names none; give its EPSG code");
  } else if (placed.epsg !== WGS84) {
    lost.push(`coordinates in WGS 84, as RFC 7946 asks: they are in EPSG:${placed.epsg}, which "crs" names`);
  }
  return placed;
}

const WGS84 = 4326;
