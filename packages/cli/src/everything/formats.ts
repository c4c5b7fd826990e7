import path from "node:path";
import { writeWhole } from "@unsam/core/files";
import { type GranularityLevel, type SceneHierarchy, UnSAMError } from "@unsam/sdk";
import { checkPlace } from "../check-writable.js";

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

/** Checks before any work is done that all files can be written. Throws `E_BAD_OPTION`. */
export async function checkOutputs(files: readonly string[]): Promise<void> {
  for (const file of files) {
    formatOf(file);
    await checkPlace("--out", file);
  }
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
