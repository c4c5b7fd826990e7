import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import {
  type AnnotatedImage,
  annotationJson,
  codecNamed,
  DEFAULT_LABEL,
  recogniseAnnotations,
} from "@unsam/core/annotations";
import { UnSAMError } from "@unsam/core/errors";
import { isHidden, readFileText, reasonOf, shown } from "@unsam/core/files";
import { Budget, type Limits } from "@unsam/core/limits";
import { type AddonAt, operationsAt } from "@unsam/core/operations";
import type { Abortable } from "@unsam/core/runtime";
import { buildScene } from "../scene-data/build-scene.js";
import { parseScene } from "../scene-data/scene-file.js";
import { CLASSES_FILE, classesBeside, Photos } from "./companions.js";
import { Notes } from "./notes.js";

export interface ReadingOptions extends Pick<Limits, "maxPixels" | "maxBytes"> {
  readonly format: string | undefined;
  readonly photos: string | undefined;
  readonly addon: AddonAt | null;
}

export interface StoredAnnotations {
  /** Name of the format; of a folder that of its first file. */
  readonly format: string;
  readonly images: readonly AnnotatedImage[];
  readonly notes: readonly string[];
}

/** The name of our own file of a scene among the formats; it is read, and written by `SceneHierarchy.save`. */
export const SCENE = "scene";

const IS_SCENE = /^\s*\{\s*"format"\s*:\s*"unsam-scene"/;
/** Endings of what may be a file of annotations in a folder. */
const TAKEN = /\.(json|geojson|xml|txt)$/i;

/** Reads a file of annotations, or all of a folder. Throws `E_BAD_FILE`, `E_BAD_OPTION`, `E_IO`, and what the signal throws. */
export async function readAnnotationFiles(
  where: string,
  options: ReadingOptions,
  signal: Abortable,
): Promise<StoredAnnotations> {
  const isFolder = (await stat(where).catch(() => null))?.isDirectory() ?? false;
  const notes = new Notes();
  const reader = new Reader(options, notes, signal);
  const images: AnnotatedImage[] = [];
  let format: string | null = null;
  for (const file of isFolder ? await filesOf(where) : [where]) {
    signal.throwIfAborted();
    const found = await reader.read(file, isFolder);
    if (found === null) continue;
    format ??= found.format;
    images.push(...found.images);
  }
  if (format !== null) return { format, images, notes: notes.list() };
  throw new UnSAMError("E_BAD_FILE", `The folder ${shown(where)} holds no file of annotations that is read.`);
}

/** Of a folder, or of its folder `labels` where YOLO's tools put them. */
async function filesOf(folder: string): Promise<string[]> {
  for (const place of [folder, path.join(folder, "labels")]) {
    const names = await readdir(place).catch((cause) => {
      if (place !== folder) return [];
      throw new UnSAMError("E_IO", `The folder ${shown(folder)} cannot be read: ${reasonOf(cause)}.`, {
        cause,
      });
    });
    const taken = names.filter((name) => TAKEN.test(name) && !isHidden(name) && name !== CLASSES_FILE);
    if (taken.length > 0) return taken.sort().map((name) => path.join(place, name));
  }
  return [];
}

class Reader {
  readonly #options: ReadingOptions;
  readonly #notes: Notes;
  readonly #signal: Abortable;
  readonly #photos: Photos;
  readonly #budget: Budget;

  constructor(options: ReadingOptions, notes: Notes, signal: Abortable) {
    this.#options = options;
    this.#notes = notes;
    this.#signal = signal;
    this.#photos = new Photos(options.photos);
    this.#budget = new Budget("The annotations", options.maxBytes);
  }

  /** null: a file of a folder is in none of the formats, and that is noted. */
  async read(
    file: string,
    isOneOfMany: boolean,
  ): Promise<{ format: string; images: readonly AnnotatedImage[] } | null> {
    const { format, maxPixels } = this.#options;
    const name = shown(file);
    const reading = {
      what: "The annotation file",
      code: "E_BAD_FILE",
      systemCode: "E_IO",
      signal: this.#signal,
    } as const;
    const text = await readFileText(file, reading);
    const isScene = format === undefined ? IS_SCENE.test(text.slice(0, 200)) : format === SCENE;
    if (isScene) return { format: SCENE, images: [await this.#scene(text, file)] };
    const known =
      isOneOfMany && format === undefined ? this.#tried(text, file, name) : this.#known(text, file, name);
    if (known === null) return null;
    const suffix =
      known.format.suffixes.find((end) => file.toLowerCase().endsWith(end)) ?? path.extname(file);
    const isOne = known.format.images === "one";
    const images = await known.format.read(known.content, {
      name,
      budget: this.#budget,
      maxPixels,
      signal: this.#signal,
      photo: isOne ? await this.#photos.of(file, suffix.toLowerCase(), this.#signal) : null,
      classes: known.format.numbersLabels ? await classesBeside(file, this.#signal) : null,
      note: (what) => this.#notes.add(what),
    });
    return { format: known.format.name, images };
  }

  #known(text: string, file: string, name: string) {
    const { format } = this.#options;
    if (format === undefined) return recogniseAnnotations(text, file, name);
    const named = codecNamed(format, "format");
    return { format: named, content: named.content === "JSON" ? annotationJson(text, name) : text };
  }

  #tried(text: string, file: string, name: string) {
    try {
      return this.#known(text, file, name);
    } catch (error) {
      if (!UnSAMError.isInstance(error)) throw error;
      this.#notes.add(`file left out: ${error.message.replace(/\.$/, "")}`);
      return null;
    }
  }

  /** Which mask is part of which follows from the masks. */
  async #scene(text: string, file: string): Promise<AnnotatedImage> {
    const { maxPixels, maxBytes, addon } = this.#options;
    const { width, height, containment, entries } = parseScene(
      text,
      `The scene ${shown(file)}`,
      { maxPixels, maxBytes },
      this.#signal,
    );
    const fusion = { maxIoU: 1, containment };
    const scene = await buildScene(entries, { width, height }, fusion, operationsAt(addon), this.#signal);
    const regions = scene.entries.map(({ mask, score, stability, granularity }, k) => {
      const up = scene.forest.parent[k];
      const shape = { kind: "mask", mask } as const;
      return { label: DEFAULT_LABEL, shape, score, stability, granularity, parent: up < 0 ? null : up };
    });
    return { fileName: await this.#photos.nameOf(file, ".json"), width, height, regions };
  }
}
