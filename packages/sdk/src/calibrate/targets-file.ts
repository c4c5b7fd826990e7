import { checkLimits, type Limits } from "@unsam/core/limits";
import { Mask } from "@unsam/core/mask";
import { checkKeys } from "@unsam/core/options";
import { computeThreads } from "@unsam/core/runtime";
import type { CalibrationTarget } from "./calibrate.js";

const worker = computeThreads().bind<typeof import("./targets.worker.js")>(
  new URL("./targets.worker.js", import.meta.url),
  "bulk",
);

export interface CalibrationTargets {
  /** Paths of the images; `image` of a target counts in them. */
  readonly images: readonly string[];
  readonly targets: readonly CalibrationTarget[];
}

/**
 * Reads labelled regions for `calibrate` (docs/schemas/calibration-targets.schema.json): image, clicks or a box, and the
 * mask as a PNG or as COCO RLE. Paths are relative to the file. The file is not trusted: what a mask takes is checked
 * against `maxPixels` (default 100 million), and what all take together against `maxBytes` (default 1 GiB), before it is
 * filled. Throws `E_BAD_FILE`, `E_BAD_OPTION`, or the signal's reason.
 */
export async function readCalibrationTargets(
  file: string,
  options: Pick<Limits, "maxPixels" | "maxBytes"> & { readonly signal?: AbortSignal | undefined } = {},
): Promise<CalibrationTargets> {
  checkKeys(options, ["maxPixels", "maxBytes", "signal"], "readCalibrationTargets");
  const { maxPixels, maxBytes, signal } = options;
  checkLimits({ maxPixels, maxBytes });
  const { images, regions } = await worker("read", [file, { maxPixels, maxBytes }], { signal });
  const targets = regions.map(({ image, prompt, mask }): CalibrationTarget => {
    return { image, prompt, mask: new Mask(mask.width, mask.height, mask.words) };
  });
  return { images, targets };
}
