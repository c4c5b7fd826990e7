import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { makePrivateFolder, readFileBytes, temporaryPath, writeWhole } from "@unsam/core/files";
import type { GranularityLevel, SceneHierarchy } from "@unsam/sdk";
import { checkPlace } from "../check-writable.js";
import { STANDARD } from "../images/image-source.js";
import { isStandardOutputTerminal, printBytes } from "../terminal/output.js";

/** A kind of file that a scene can be written to, known by the end of its name. */
export interface SceneFormat {
  readonly suffix: string;
  readonly about: string;
  /** It shows granularities: those of `--at`. */
  readonly showsGranularities?: true;
  write(scene: SceneHierarchy, file: string, context: FormatContext): Promise<void>;
}

export interface FormatContext {
  /** The granularities that pictures show: label maps one, coloured photos all of them side by side. */
  readonly at: readonly GranularityLevel[];
  /** Name of the photo's file. */
  readonly photo: string;
  readonly signal: AbortSignal;
}

const text = (json: unknown) => Buffer.from(`${JSON.stringify(json)}\n`);

/** Longer ends first: `.coco.json` is no `.json`. */
export const SCENE_FORMATS: readonly SceneFormat[] = [
  {
    suffix: ".coco.json",
    about: "COCO annotations (RLE)",
    write: async (scene, file, { photo }) => writeWhole(file, text(await scene.toCOCO({ fileName: photo }))),
  },
  {
    suffix: ".geojson",
    about: "polygons with holes",
    write: async (scene, file) => writeWhole(file, text(await scene.toGeoJSON())),
  },
  {
    suffix: ".labels.png",
    about: "16-bit label map at --at",
    showsGranularities: true,
    write: async (scene, file, { at }) => writeWhole(file, await scene.at(at[0]).toPNG()),
  },
  {
    suffix: ".contours.png",
    about: "16-bit contours of all granularities",
    write: async (scene, file) => writeWhole(file, await scene.contours.toPNG()),
  },
  {
    suffix: ".json",
    about: "the scene, without loss",
    write: (scene, file) => scene.save(file),
  },
  {
    suffix: ".png",
    about: "the photo in colours at --at",
    showsGranularities: true,
    write: async (scene, file, { at, signal }) =>
      writeWhole(file, await scene.overlay({ granularity: at, signal })),
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

/** Writes a scene to a file, whole or not at all, or to standard output. */
export async function writeScene(
  { file, format }: ScenePlace,
  scene: SceneHierarchy,
  context: FormatContext,
): Promise<void> {
  if (file !== STANDARD) return format.write(scene, file, context);
  // Scenes are written to files by a thread of their own, piece by piece.
  const folder = temporaryPath(tmpdir());
  await makePrivateFolder(folder);
  try {
    const whole = path.join(folder, `scene${format.suffix}`);
    await format.write(scene, whole, context);
    printBytes(await readFileBytes(whole, { what: "The scene", signal: context.signal }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
