import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { writeWhole } from "@unsam/core/files";
import { type EverythingOptions, type GranularityLevel, type UnSAM, UnSAMError } from "@unsam/sdk";
import { EXIT_FAILED, explain } from "../failure.js";
import { BatchProgress } from "../terminal/batch-progress.js";
import { printResult, tell } from "../terminal/output.js";
import type { SceneFormat } from "./formats.js";

export interface FolderJob {
  readonly folder: string;
  readonly out: string;
  readonly formats: readonly SceneFormat[];
  readonly options: Omit<EverythingOptions, "signal" | "onProgress">;
  readonly at: readonly GranularityLevel[];
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

const IMAGES = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i;

/** In the output folder: what its files were made with, so that no run mixes two kinds of them. */
const SETTINGS = ".unsam-everything.json";

/** What a process that was killed in the middle of writing has left: never a file of its final name. */
const LEFTOVER = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/**
 * `unsam everything DIR --out DIR`: each image of the folder on its own, `NAME.EXT` plus a suffix for each format. What is
 * there already is not done again, and what failed is told at the end.
 */
export async function everythingOfFolder(job: FolderJob, load: () => Promise<UnSAM>): Promise<void> {
  const { folder, out, formats, signal } = job;
  const images = (await readdir(folder)).filter((name) => IMAGES.test(name)).sort();
  if (images.length === 0) {
    throw new UnSAMError("E_BAD_IMAGE", `There is no image in ${folder} (JPEG, PNG, WebP, AVIF, TIFF, GIF).`);
  }
  await mkdir(out, { recursive: true }).catch((cause) => {
    throw new UnSAMError("E_IO", `--out ${out} cannot be made: ${cause.message}.`, { cause });
  });
  await using unsam = await load();
  await agreeOnSettings(job, unsam);
  const left = await tidy(out);
  const targets = (image: string) => formats.map(({ suffix }) => path.join(out, image + suffix));
  const open = images.filter((image) => targets(image).some((file) => !left.has(path.basename(file))));

  const failures: Failure[] = [];
  const progress = new BatchProgress(open.length);
  if (open.length < images.length) tell(`${images.length - open.length} images are done already`);
  try {
    for (const image of open) {
      try {
        await everythingOf(image, job, unsam);
      } catch (error) {
        signal.throwIfAborted();
        const code = error instanceof UnSAMError ? error.code : null;
        failures.push({ image: path.join(folder, image), code, error: explain(error) });
      }
      progress.step(image);
    }
  } finally {
    progress.stop();
  }
  const done = open.length - failures.length;
  const skipped = images.length - open.length;
  for (const { image, error } of failures) tell(`unsam: ${image}: ${error}`);
  if (failures.length > 0) process.exitCode = EXIT_FAILED;
  printResult(
    job.json,
    () => ({ folder, out, images: images.length, done, skipped, failed: failures }),
    () =>
      `${folder}: ${done} done, ${skipped} were there already, ${failures.length} failed; the files are in ${out}\n`,
  );
}

async function everythingOf(image: string, job: FolderJob, unsam: UnSAM): Promise<void> {
  const { folder, out, formats, options, at, maxPixels, signal } = job;
  await using encoded = await unsam.encode(path.join(folder, image), { signal, maxPixels });
  const scene = await encoded.everything({ ...options, signal });
  for (const format of formats) {
    signal.throwIfAborted();
    await format.write(scene, path.join(out, image + format.suffix), { at, photo: image, signal });
  }
}

/** Removes what a killed run has left; returns the names of the whole files. */
async function tidy(out: string): Promise<Set<string>> {
  const names = new Set<string>();
  for (const name of await readdir(out)) {
    if (LEFTOVER.test(name)) await rm(path.join(out, name), { force: true });
    else names.add(name);
  }
  return names;
}

/** Throws `E_BAD_OPTION` where the folder holds files of another model or other options. */
async function agreeOnSettings(job: FolderJob, unsam: UnSAM): Promise<void> {
  const file = path.join(job.out, SETTINGS);
  const calibration =
    job.calibration === undefined ? null : JSON.parse(await readFile(job.calibration, "utf8"));
  const { fingerprint } = unsam.engine.info;
  const settings = { model: fingerprint, options: job.options, at: job.at, calibration };
  const wanted = `${JSON.stringify(settings, null, 2)}\n`;
  const found = (await stat(file).catch(() => null)) ? await readFile(file, "utf8") : null;
  if (found === wanted) return;
  if (found !== null) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `The files in ${job.out} were made with another model or other options (${file}); give another --out.`,
    );
  }
  await writeWhole(file, Buffer.from(wanted));
}
