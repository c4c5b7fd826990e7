import { createHash } from "node:crypto";
import { UnSAMError } from "@unsam/core/errors";
import type { UnSAM } from "@unsam/sdk";
import { locationOf, nameOf } from "../inputs/location.js";
import { readPhoto } from "../inputs/read-photo.js";
import type { PhotoJob } from "../jobs/photo-job.js";
import type { ResultFormat } from "../results/result-formats.js";
import type { ResultPlace } from "../results/result-place.js";
import type { RunSettings } from "../run/run-settings.js";

/** What a worker needs for a photo. */
export interface Workshop {
  readonly unsam: UnSAM;
  readonly settings: RunSettings;
  readonly formats: readonly ResultFormat[];
  readonly place: ResultPlace;
}

/** Makes what is missing of a photo's result. Returns whether anything was; throws `UnSAMError`, or the signal's reason. */
export async function doPhoto(
  { photo, sha256 }: PhotoJob,
  id: string,
  { unsam, settings, formats, place }: Workshop,
  signal: AbortSignal,
): Promise<boolean> {
  const missing: ResultFormat[] = [];
  for (const format of formats) if (!(await place.has(id, format, signal))) missing.push(format);
  if (missing.length === 0) return false;
  const bytes = await readPhoto(photo, signal);
  if (createHash("sha256").update(bytes).digest("hex") !== sha256) {
    throw new UnSAMError(
      "E_BAD_IMAGE",
      `The image ${photo} is no longer what it was when it was enqueued; enqueue it again.`,
    );
  }
  await using image = await unsam.encode(bytes, { signal, maxPixels: settings.maxPixels });
  const scene = await image.everything({ ...settings.options, signal });
  const context = { fileName: nameOf(locationOf(photo)), simplify: settings.simplify, signal };
  for (const format of missing) {
    await place.put(id, format, (file) => format.write(scene, file, context), signal);
  }
  return true;
}
