import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import {
  createWhole,
  makeFolder,
  notTakenSentence,
  outputName,
  photosIn,
  readFileJson,
  readFileText,
  reasonOf,
  removeLeftovers,
  shown,
} from "@unsam/core/files";
import type { EverythingOptions, GranularityLevel, UnSAM } from "@unsam/sdk";
import { EXIT_FAILED, explain } from "../failure.js";
import { BatchProgress } from "../terminal/batch-progress.js";
import { printResult, tell } from "../terminal/output.js";
import { type AnnotationFlags, lossOfFormat, type SceneFormat } from "./formats.js";

export interface FolderJob {
  readonly folder: string;
  readonly out: string;
  readonly formats: readonly SceneFormat[];
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
 * `unsam everything DIR --out DIR`: each image of the folder on its own, `NAME.EXT` plus a suffix for each format. What is
 * there already is not done again, and what failed is told at the end. Several runs may share an output folder.
 */
export async function everythingOfFolder(job: FolderJob, load: () => Promise<UnSAM>): Promise<void> {
  const { folder, out, formats, signal } = job;
  const found = await photosIn(folder, "E_BAD_IMAGE");
  const images = found.photos;
  const notTaken = notTakenSentence(found);
  if (images.length === 0) {
    const why = notTaken === null ? "" : ` ${notTaken}`;
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `There is no image in ${folder} (JPEG, PNG, WebP, AVIF, TIFF, GIF).${why}`,
    );
  }
  if (notTaken) tell(`unsam: ${notTaken}`);
  // Before anything is written: what the model cannot do is the same for every image.
  await using unsam = await load();
  unsam.checkEverything(job.options);
  await makeFolder(out);
  await agreeOnSettings(job, unsam);
  await removeLeftovers(out);
  const there = new Set(await listed(out));
  const open = images.filter((image) =>
    formats.some((format) => !there.has(outputName(image, format.suffix))),
  );

  const failures: Failure[] = [];
  let skipped = images.length - open.length;
  const progress = new BatchProgress(open.length);
  if (skipped > 0) tell(`${skipped} images are done already`);
  for (const lost of formats.map(lossOfFormat)) if (lost !== null) tell(lost);
  try {
    for (const image of open) {
      try {
        if (await isDone(image, job)) skipped++;
        else await everythingOf(image, job, unsam);
      } catch (error) {
        signal.throwIfAborted();
        const code = UnSAMError.isInstance(error) ? error.code : null;
        failures.push({ image: path.join(folder, image), code, error: explain(error) });
      }
      progress.step(image);
    }
  } finally {
    progress.stop();
  }
  const done = images.length - skipped - failures.length;
  for (const { image, error } of failures) tell(`unsam: ${image}: ${error}`);
  if (failures.length > 0) process.exitCode = EXIT_FAILED;
  printResult(
    job.json,
    () => ({ folder, out, images: images.length, done, skipped, failed: failures }),
    () =>
      `${folder}: ${done} done, ${skipped} were there already, ${failures.length} failed; the files are in ${out}\n`,
  );
}

/** Another run may have done it since this one began. */
async function isDone(image: string, { out, formats }: FolderJob): Promise<boolean> {
  for (const { suffix } of formats) {
    if (!(await exists(path.join(out, outputName(image, suffix))))) return false;
  }
  return true;
}

async function everythingOf(image: string, job: FolderJob, unsam: UnSAM): Promise<void> {
  const { folder, out, formats, options, at, annotations, maxPixels, signal } = job;
  await using encoded = await unsam.encode(path.join(folder, image), { signal, maxPixels });
  const scene = await encoded.everything({ ...options, signal });
  for (const format of formats) {
    signal.throwIfAborted();
    const file = path.join(out, outputName(image, format.suffix));
    await format.write(scene, file, {
      at,
      photo: image,
      photoPath: path.join(folder, image),
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
async function agreeOnSettings(job: FolderJob, unsam: UnSAM): Promise<void> {
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
