import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { loadAddon } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { makeFolder, notTakenSentence, outputName, photosIn, writeWhole } from "@unsam/core/files";
import { decodeImage } from "@unsam/core/image";
import { checkKeys } from "@unsam/core/options";
import { REGION_TREE_RECIPE } from "@unsam/core/region-tree";
import { ThreadGroup } from "@unsam/core/runtime";
import { type LabelInfo, readLabelFile } from "../label-file.js";
import { type Backbone, type BackboneOptions, openBackbone } from "./backbone.js";

export interface LabelFolderOptions {
  /** Folder for the label files, one NAME.json per image; made where it is missing. */
  readonly out: string;
  /** Where instances come from; the region tree by default, or what a network sees: its masks, or cuts of its features. */
  readonly divide?: LabelInfo["divide"];
  /** The network for `masks` and `cuts`. */
  readonly backbone?: BackboneOptions;
  /** Worker threads; all cores by default. */
  readonly threads?: number;
  /** Whether the native kernels may be used (the labels are the same without); they are by default. */
  readonly native?: boolean;
  /** Where the addon's smoke test keeps its verdict; null: nowhere. */
  readonly cacheDir?: string | null;
  readonly onProgress?: (progress: LabelProgress) => void;
  readonly signal?: AbortSignal;
}

export interface LabelProgress {
  /** Images done, those found done among them. */
  readonly done: number;
  readonly skipped: number;
  readonly failed: number;
  readonly total: number;
  /** Images a second since the start, of those made now. */
  readonly rate: number;
  /** Seconds until the rest is done at this rate; null before the first. */
  readonly secondsLeft: number | null;
}

export interface LabelReport {
  readonly made: readonly string[];
  /** Images whose label file was there already, made alike. */
  readonly skipped: readonly string[];
  readonly failed: readonly { readonly file: string; readonly error: Error }[];
  /** Of the images made and skipped, those in which no label was found. */
  readonly empty: readonly string[];
  /** A sentence about files that look like images but are not taken; null where there are none. */
  readonly notTaken: string | null;
}

const OPTIONS = ["out", "divide", "backbone", "threads", "native", "cacheDir", "onProgress", "signal"];
const BACKBONE_OPTIONS = ["model", "config", "weights", "families", "masks"];
/** Raised with every change of the labels. */
const RECIPE = 2;

/** How labels are made, for their files. */
function infoOf(
  divide: LabelInfo["divide"],
  { backbone, model }: { backbone: Backbone | null; model?: unknown },
): LabelInfo {
  const source = backbone
    ? `model-${backbone.fingerprint.slice(0, 16)}${model ? ` ${JSON.stringify(model)}` : ""}`
    : `region-tree-${REGION_TREE_RECIPE}`;
  return { divide, recipe: `pseudo-labels-${RECIPE} ${source}` };
}

/**
 * Labels every image of a folder (not of the folders in it). Each label file appears whole or not at all; what is there
 * already, made alike, is not made again, so an interrupted run goes on where it stopped. An image that cannot be
 * labelled is reported and does not stop the rest. Throws `E_IO`, `E_BAD_OPTION`, and the signal's reason.
 */
export async function labelFolder(folder: string, options: LabelFolderOptions): Promise<LabelReport> {
  checkKeys(options, OPTIONS, "labelFolder");
  if (options.backbone) checkKeys(options.backbone, BACKBONE_OPTIONS, "labelFolder: backbone");
  const { out, native = true, cacheDir = null, divide = "tree" } = options;
  if (divide !== "masks" && options.backbone?.masks) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `masks belongs to divide: "masks", not to "${divide}"; leave it out.`,
    );
  }
  if ((divide === "tree") !== (options.backbone === undefined)) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      divide === "tree"
        ? "The region tree needs no model; leave it out, or divide by masks or cuts."
        : `Dividing by ${divide} needs a model; name a checkpoint, or divide by tree.`,
    );
  }
  const threads = options.threads ?? availableParallelism();
  if (!Number.isInteger(threads) || threads < 1) {
    throw new UnSAMError("E_BAD_OPTION", `threads is ${threads}; it must be a whole number from 1.`);
  }
  const { files, notTaken } = await imagesIn(folder);
  await makeFolder(out);
  const addon = native ? await addonPath(cacheDir) : null;
  const backbone =
    options.backbone && divide !== "tree"
      ? await openBackbone(options.backbone, divide, { cacheDir, addon: addon ? { addon, threads } : null })
      : null;
  try {
    const info = infoOf(divide, {
      backbone,
      model: divide === "masks" ? options.backbone?.masks : undefined,
    });
    const report = await labelFiles({ folder, files, threads, info, addon, backbone }, options);
    return { ...report, notTaken };
  } finally {
    await backbone?.dispose();
  }
}

interface Work {
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly label: string }[];
  readonly threads: number;
  readonly info: LabelInfo;
  readonly addon: string | null;
  readonly backbone: Backbone | null;
}

async function labelFiles(
  { folder, files, threads, info, addon, backbone }: Work,
  { out, signal, onProgress }: LabelFolderOptions,
): Promise<Omit<LabelReport, "notTaken">> {
  const made: string[] = [];
  const skipped: string[] = [];
  const empty: string[] = [];
  const failed: { file: string; error: Error }[] = [];
  const start = performance.now();
  const report = () => {
    const done = made.length + skipped.length + failed.length;
    const rate = (made.length + failed.length) / Math.max(1e-3, (performance.now() - start) / 1000);
    const secondsLeft = rate > 0 ? (files.length - done) / rate : null;
    onProgress?.({
      done,
      skipped: skipped.length,
      failed: failed.length,
      total: files.length,
      rate,
      secondsLeft,
    });
  };
  let next = 0;
  const work = async (thread: ThreadGroup) => {
    const worker = thread.bind<typeof import("./label.worker.js")>(
      new URL("./label.worker.js", import.meta.url),
      "bulk",
    );
    for (let k = next++; k < files.length; k = next++) {
      signal?.throwIfAborted();
      const file = files[k];
      const source = path.join(folder, file.name);
      const target = path.join(out, file.label);
      try {
        let count = await labelsMadeAlike(target, file.name, info, signal);
        if (count !== null) {
          skipped.push(file.name);
        } else {
          const image = { file_name: file.name, id: k + 1 };
          const output = backbone ? await backbone.look(await decodeImage(source), signal) : null;
          const labelled = await worker("labelOne", [source, image, info, addon, output], { signal });
          await writeWhole(target, labelled.text);
          made.push(file.name);
          count = labelled.count;
        }
        if (count === 0) empty.push(file.name);
      } catch (error) {
        signal?.throwIfAborted();
        failed.push({ file: file.name, error: error as Error });
      }
      report();
    }
  };
  const count = Math.min(threads, files.length);
  await Promise.all(
    Array.from({ length: count }, (_, i) => work(new ThreadGroup(`labels ${i + 1}`, { size: 1 }))),
  );
  const byName = (a: string, b: string) => (a < b ? -1 : 1);
  return {
    made: made.sort(byName),
    skipped: skipped.sort(byName),
    failed: failed.sort((a, b) => byName(a.file, b.file)),
    empty: empty.sort(byName),
  };
}

interface Images {
  /** By name, with the names of their label files. */
  readonly files: readonly { readonly name: string; readonly label: string }[];
  readonly notTaken: string | null;
}

async function imagesIn(folder: string): Promise<Images> {
  const found = await photosIn(folder);
  const { photos } = found;
  const notTaken = notTakenSentence(found);
  if (photos.length === 0) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${folder} holds no image (jpg, png, webp, avif, tiff, gif).${notTaken ? ` ${notTaken}` : ""}`,
    );
  }
  const labels = labelNames(photos);
  return { files: photos.map((name, k) => ({ name, label: labels[k] })), notTaken };
}

/** The stem with `.json`; where two files would get one name (a.jpg, a.png; or a.png.jpg), their endings stay in it. */
export function labelNames(photos: readonly string[]): string[] {
  const stems = new Map<string, number>();
  for (const photo of photos) {
    const { name } = path.parse(photo);
    stems.set(name, (stems.get(name) ?? 0) + 1);
  }
  const names = new Set(photos);
  return photos.map((photo) => {
    const { name } = path.parse(photo);
    return outputName(stems.get(name) === 1 && !names.has(name) ? name : photo, ".json");
  });
}

async function addonPath(cacheDir: string | null): Promise<string | null> {
  const native = await loadAddon(cacheDir);
  return native.binding && native.binding.regionTreeRecipe === REGION_TREE_RECIPE ? native.path : null;
}

/** How many labels the file has where it is there and was made like that; null: it is to be made. */
async function labelsMadeAlike(
  file: string,
  image: string,
  info: LabelInfo,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  if (!(await stat(file).catch(() => null))?.isFile()) return null;
  try {
    const labels = await readLabelFile(file, signal);
    const { divide, recipe } = labels.info;
    const alike = divide === info.divide && recipe === info.recipe && labels.image.file_name === image;
    return alike ? labels.annotations.length : null;
  } catch {
    signal?.throwIfAborted();
    return null;
  }
}
