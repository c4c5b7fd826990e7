import { ThreadGroup } from "@unsam/core/runtime";
import type { Dataset, DatasetImage } from "./dataset.js";

/** A worker thread that opens data sets. It does not keep the process alive while idle. */
const thread = new ThreadGroup("unsam-eval-open", { size: 1 }).bind<
  typeof import("./open-datasets.worker.js")
>(new URL("./open-datasets.worker.js", import.meta.url), "bulk");

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens what a path holds, or each of several, whichever of these it is:
 * - a data set with `dataset.json` or `clicks.csv` (label maps in `labels/`, photos in `images/`),
 * - any other folder of photos and label maps (`openLabelMaps`),
 * - a COCO JSON file, or a folder that holds some (`openCoco`),
 * - a folder of such folders.
 * Hidden files and folders are passed over. No two data sets get one name. The files are read and checked on a worker thread.
 * Throws `E_BAD_OPTION` where nothing is there, `E_BAD_FILE` where what is there is malformed or none of these, `E_IO`, or
 * the signal's reason.
 */
export async function openDatasets(
  where: string | readonly string[],
  { signal }: OpenOptions = {},
): Promise<Dataset[]> {
  const places = typeof where === "string" ? [where] : where;
  const { heads, opened } = await thread("open", [places], { signal });
  try {
    const sets: Dataset[] = [];
    for (const [set, head] of heads.entries()) {
      const images: DatasetImage[] = [];
      for (;;) {
        const page = await thread("pageOf", [opened, set, images.length], { signal });
        if (page.length === 0) break;
        images.push(...page);
      }
      sets.push({ ...head, images });
    }
    return sets;
  } finally {
    await opened.release();
  }
}
