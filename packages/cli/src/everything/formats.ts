import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ANNOTATION_FORMATS, type AnnotationFormat } from "@unsam/core/annotation-formats";
import { UnSAMError } from "@unsam/core/errors";
import { makePrivateFolder, readFileBytes, temporaryPath, writeWhole } from "@unsam/core/files";
import type { GranularityLevel, SceneHierarchy } from "@unsam/sdk";
import { checkPlace } from "../check-writable.js";
import { type ImageSource, STANDARD } from "../images/image-source.js";
import { isStandardOutputTerminal, printBytes, tell } from "../terminal/output.js";

/** A kind of file that a scene can be written to, known by the end of its name. */
export interface SceneFormat {
  readonly suffix: string;
  readonly about: string;
  /** It shows granularities: those of `--at`. */
  readonly showsGranularities?: true;
  /** It is one for annotations: outlines may be simplified, and it says itself what it keeps. */
  readonly annotations?: AnnotationFormat;
  /** Says what the file does not tell of the scene. */
  write(scene: SceneHierarchy, file: string, context: FormatContext): Promise<readonly string[]>;
}

/** How annotations are written. */
export interface AnnotationFlags {
  /** Largest error of outlines in pixels; undefined: masks are written as they are. */
  readonly simplify?: number | undefined;
  /** In the coordinates of the map that the photo lies on. */
  readonly georeference?: true | undefined;
  readonly epsg?: number | undefined;
}

export interface FormatContext extends AnnotationFlags {
  /** The granularities that pictures show: label maps one, coloured photos all of them side by side. */
  readonly at: readonly GranularityLevel[];
  /** Name of the photo's file. */
  readonly photo: string;
  /** Where it lies; undefined: it is no file. */
  readonly photoPath: string | undefined;
  readonly signal: AbortSignal;
}

/** A format for annotations, which the SDK knows, as one that a scene is written to. */
function ofAnnotations(format: AnnotationFormat): SceneFormat {
  return {
    suffix: format.suffixes[0],
    about: format.about,
    annotations: format,
    write: (scene, file, context) => exportAnnotations(scene, format, file, context),
  };
}

/** Writes annotations of a scene, whether it was segmented in tiles or not; says what the file does not tell. */
export async function exportAnnotations(
  scene: Pick<SceneHierarchy, "export">,
  format: AnnotationFormat,
  file: string,
  { photo, photoPath, simplify, georeference, epsg, signal }: Omit<FormatContext, "at">,
): Promise<readonly string[]> {
  const isOnMap = georeference === true && format.isForMaps;
  const place = isOnMap ? { georeference: photoPath, epsg } : {};
  const options = { format: format.name, fileName: photo, simplify, ...place, signal };
  return (await scene.export(file, options)).lost;
}

/** Pictures show what they show: they have nothing to tell. */
async function wholly(file: string, content: Promise<Uint8Array>): Promise<readonly string[]> {
  await writeWhole(file, await content);
  return [];
}

/** Longer ends first: `.coco.json` is no `.json`. */
export const SCENE_FORMATS: readonly SceneFormat[] = [
  ...ANNOTATION_FORMATS.map(ofAnnotations),
  {
    suffix: ".labels.png",
    about: "16-bit label map at --at",
    showsGranularities: true,
    write: (scene, file, { at }) => wholly(file, scene.at(at[0]).toPNG()),
  },
  {
    suffix: ".contours.png",
    about: "16-bit contours of all granularities",
    write: (scene, file) => wholly(file, scene.contours.toPNG()),
  },
  {
    suffix: ".json",
    about: "the scene, without loss",
    write: async (scene, file) => {
      await scene.save(file);
      return [];
    },
  },
  {
    suffix: ".png",
    about: "the photo in colours at --at",
    showsGranularities: true,
    write: (scene, file, { at, signal }) => wholly(file, scene.overlay({ granularity: at, signal })),
  },
];

/** The format of a file by its name. Throws `E_BAD_OPTION`. */
export function formatOf(file: string): SceneFormat {
  const name = path.basename(file).toLowerCase();
  const format = SCENE_FORMATS.find(({ suffix }) => name.endsWith(suffix) && name !== suffix);
  if (format) return format;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `--out is ${file}; its name must end in ${listOf(SCENE_FORMATS.map(({ suffix }) => suffix))}.`,
  );
}

/** A format by its suffix without the dot in front, as `--format` names it. Throws `E_BAD_OPTION`. */
export function formatNamed(name: string): SceneFormat {
  const format = SCENE_FORMATS.find(({ suffix }) => suffix === `.${name.toLowerCase()}`);
  if (format) return format;
  const names = SCENE_FORMATS.map(({ suffix }) => suffix.slice(1));
  throw new UnSAMError("E_BAD_OPTION", `--format is ${name}; give ${listOf(names)}.`);
}

/** A place for a scene: a file, or `-` for standard output. */
export interface ScenePlace {
  readonly file: string;
  readonly format: SceneFormat;
}

/** What `--out` means; `named` is the format of standard output. Throws `E_BAD_OPTION`. */
export function placeOf(file: string, named = "json"): ScenePlace {
  return { file, format: file === STANDARD ? formatNamed(named) : formatOf(file) };
}

/** Throws `E_BAD_OPTION` where standard output cannot take what `--out -` writes. */
export function checkStandardOutput(places: readonly ScenePlace[], json: boolean | undefined): void {
  const there = places.filter(({ file }) => file === STANDARD);
  const isPicture = there.some(({ format }) => format.suffix.endsWith(".png"));
  const problem =
    there.length > 1 || json
      ? "holds one result; give --out - once, and without --json"
      : isPicture && isStandardOutputTerminal()
        ? "is a terminal; lead it into a file or a program"
        : null;
  if (problem !== null) throw new UnSAMError("E_BAD_OPTION", `Standard output ${problem}.`);
}

/** Checks before any work is done that all files can be written. Throws `E_BAD_OPTION`. */
export async function checkOutputs(places: readonly ScenePlace[]): Promise<void> {
  for (const { file } of places) if (file !== STANDARD) await checkPlace("--out", file);
}

/**
 * Writes a scene to a file, whole or not at all, or to standard output, and tells on standard error what the file does not
 * tell.
 */
export async function writeScene(
  { file, format }: ScenePlace,
  scene: SceneHierarchy,
  context: FormatContext,
): Promise<void> {
  if (file !== STANDARD) {
    tellLost(file, await format.write(scene, file, context));
    return;
  }
  // Scenes are written to files by a thread of their own, piece by piece.
  const folder = temporaryPath(tmpdir());
  await makePrivateFolder(folder);
  try {
    const whole = path.join(folder, `scene${format.suffix}`);
    tellLost("standard output", await format.write(scene, whole, context));
    printBytes(await readFileBytes(whole, { what: "The scene", signal: context.signal }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws `E_BAD_OPTION` where an option about annotations is given, and no format takes it. */
export function checkAnnotationFlags(flags: AnnotationFlags, formats: readonly SceneFormat[]): void {
  const some = (takes: (annotations: AnnotationFormat) => boolean) =>
    formats.some(({ annotations }) => annotations && takes(annotations));
  const problem =
    flags.simplify !== undefined && !some(() => true)
      ? "--simplify is about outlines in annotations; write .geojson, .labelme.json or another of these, or leave it out"
      : flags.georeference && !some(({ isForMaps }) => isForMaps)
        ? "--georeference is about .geojson, which is not written"
        : flags.epsg !== undefined && !flags.georeference
          ? "--epsg says which coordinates a map has; give --georeference with it"
          : null;
  if (problem !== null) throw new UnSAMError("E_BAD_OPTION", `${problem}.`);
}

/** Throws `E_BAD_OPTION` where a photo to be laid on the map is no file. */
export function checkIsFile(photos: readonly ImageSource[]): void {
  if (photos.every(({ path: file }) => file !== null)) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    "--georeference looks beside the photo and into it; give the photo as a file.",
  );
}

/** What files of a format never tell of a scene; null: they tell all. */
export function lossOfFormat({ suffix, annotations }: SceneFormat): string | null {
  const keeps = new Set(annotations?.keeps);
  const lost = (["score", "stability", "granularity", "parent"] as const).filter((fact) => !keeps.has(fact));
  if (!annotations || lost.length === 0) return null;
  return `${suffix} files do not tell of a mask its ${lost.join(", ")}`;
}

export function tellLost(file: string, lost: readonly string[]): void {
  if (lost.length > 0) tell(`${file} does not tell ${lost.join("; ")}`);
}

export function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
