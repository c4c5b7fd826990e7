import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import {
  createWhole,
  makeFolder,
  outputName,
  readFileJson,
  readFileText,
  reasonOf,
  removeLeftovers,
  shown,
} from "@unsam/core/files";
import type { EverythingOptions, GranularityLevel, UnSAM } from "@unsam/sdk";
import { checkDistinct } from "../check-writable.js";
import { EXIT_FAILED, explain } from "../failure.js";
import type { ImageFlags } from "../images/image-flags.js";
import type { ImageSource } from "../images/image-source.js";
import { openImage } from "../images/open-image.js";
import { BatchProgress } from "../terminal/batch-progress.js";
import { printResult, tell } from "../terminal/output.js";
import { type AnnotationFlags, checkIsFile, lossOfFormat, type SceneFormat } from "./formats.js";

export interface PhotosJob {
  readonly photos: readonly ImageSource[];
  /** The folder or pattern that was named; null: several things were. */
  readonly named: string | null;
  readonly out: string;
  readonly formats: readonly SceneFormat[];
  readonly flags: ImageFlags;
  readonly options: Omit<EverythingOptions, "signal" | "onProgress">;
  readonly at: readonly GranularityLevel[];
  readonly annotations: AnnotationFlags;
  readonly maxPixels: number | undefined;
  readonly calibration: string | undefined;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

interface Failure {
  readonly image: string;
  readonly code: string | null;
  readonly error: string;
}

/** In the output folder: what its files were made with, so that no run mixes two kinds of them. */
const SETTINGS = ".unsam-everything.json";

/**
 * `unsam everything` for several photos: each on its own, `NAME.EXT` plus a suffix for each format in the output folder. What is
 * there already is not done again, and what failed is told at the end. Several runs may share an output folder.
 */
export async function everythingOfPhotos(job: PhotosJob, load: () => Promise<UnSAM>): Promise<void> {
  const { photos, named, out, formats, signal } = job;
  await checkNames(job);
  // Before anything is written: what the model cannot do is the same for every image.
  await using unsam = await load();
  unsam.checkEverything(job.options);
  await makeFolder(out);
  await agreeOnSettings(job, unsam);
  await removeLeftovers(out);
  const there = new Set(await listed(out));
  const open = photos.filter(({ name }) =>
    formats.some((format) => !there.has(outputName(name, format.suffix))),
  );

  const failures: Failure[] = [];
  let skipped = photos.length - open.length;
  const progress = new BatchProgress(open.length);
  if (skipped > 0) tell(`${skipped} images are done already`);
  for (const lost of formats.map(lossOfFormat)) if (lost !== null) tell(lost);
  try {
    for (const photo of open) {
      try {
        if (await isDone(photo, job)) skipped++;
        else await everythingOf(photo, job, unsam);
      } catch (error) {
        signal.throwIfAborted();
        const code = UnSAMError.isInstance(error) ? error.code : null;
        failures.push({ image: photo.given, code, error: explain(error) });
      }
      progress.step(photo.name);
    }
  } finally {
    progress.stop();
  }
  const done = photos.length - skipped - failures.length;
  for (const { image, error } of failures) tell(`unsam: ${image}: ${error}`);
  if (failures.length > 0) process.exitCode = EXIT_FAILED;
  printResult(
    job.json,
    () => ({ folder: named, out, images: photos.length, done, skipped, failed: failures }),
    () =>
      `${named ?? `${photos.length} photos`}: ${done} done, ${skipped} were there already, ${failures.length} failed; the files are in ${out}\n`,
  );
}

/** Nothing is written over a photo, and no two photos have results of one name. Throws `E_BAD_OPTION`. */
async function checkNames({ photos, out, formats, annotations }: PhotosJob): Promise<void> {
  if (annotations.georeference) checkIsFile(photos);
  const results = photos.flatMap(({ given, name }) =>
    formats.map(({ suffix }) => [`--out of ${given}`, path.join(out, outputName(name, suffix))] as const),
  );
  const inputs = photos.map(({ path: file }) => ["the photo", file ?? undefined] as const);
  await checkDistinct(inputs, results, "run photos of one name apart, with an --out for each");
}

/** Another run may have done it since this one began. */
async function isDone({ name }: ImageSource, { out, formats }: PhotosJob): Promise<boolean> {
  for (const { suffix } of formats) {
    if (!(await exists(path.join(out, outputName(name, suffix))))) return false;
  }
  return true;
}

async function everythingOf(photo: ImageSource, job: PhotosJob, unsam: UnSAM): Promise<void> {
  const { out, formats, flags, options, at, annotations, maxPixels, signal } = job;
  const image = await openImage(photo, flags, signal);
  await using encoded = await unsam.encode(image, { signal, maxPixels });
  const scene = await encoded.everything({ ...options, signal });
  for (const format of formats) {
    signal.throwIfAborted();
    await format.write(scene, path.join(out, outputName(photo.name, format.suffix)), {
      at,
      photo: photo.name,
      photoPath: photo.path ?? undefined,
      ...annotations,
      signal,
    });
  }
}

async function listed(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw new UnSAMError("E_IO", `The folder ${shown(folder)} cannot be read: ${reasonOf(cause)}.`, {
      cause,
    });
  }
}

/** Throws `E_BAD_OPTION` where the folder holds files of another model or other options. */
async function agreeOnSettings(job: PhotosJob, unsam: UnSAM): Promise<void> {
  const file = path.join(job.out, SETTINGS);
  const { options, at, annotations, signal } = job;
  const reading = { what: "The calibration", code: "E_BAD_FILE", signal } as const;
  const calibration = job.calibration === undefined ? null : await readFileJson(job.calibration, reading);
  const settings = { model: unsam.engine.info.fingerprint, options, at, calibration, ...annotations };
  const wanted = `${JSON.stringify(settings, null, 2)}\n`;
  const found =
    (await exists(file)) || !(await createWhole(file, wanted)) ? await readSettings(file, signal) : wanted;
  if (found === wanted) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `The files in ${job.out} were made with another model or other options (${file}); give another --out.`,
  );
}

function readSettings(file: string, signal: AbortSignal): Promise<string> {
  return readFileText(file, { what: "What a run left there", code: "E_BAD_FILE", signal });
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
