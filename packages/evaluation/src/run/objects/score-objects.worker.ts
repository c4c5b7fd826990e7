import type { PromptPoint } from "@unsam/core/prompt";
import { drawObjects, everyObject } from "../../datasets/benchmarks/draw-objects.js";
import type { DatasetImage } from "../../datasets/dataset.js";
import { type Note, Notes } from "../../datasets/notes.js";
import { readPhoto } from "../../datasets/read-photo.js";
import { readTruth } from "../../datasets/read-truth.js";
import type { MethodSpec } from "../../methods/open-method.js";
import { methodOf } from "../opened-methods.worker.js";
import { scoreWholeImage, type WholeImageScore } from "../score-whole-image.js";
import { searchGranularity } from "./search-granularity.js";

export interface ObjectsJob {
  readonly method: MethodSpec;
  readonly levels: readonly number[];
  readonly image: DatasetImage;
  readonly voidLabels: readonly number[];
  /** Each region is clicked; else up to five are drawn. */
  readonly everyRegion: boolean;
  readonly clicks: boolean;
  readonly recall: boolean;
  readonly seed: number;
  readonly maxPixels: number | undefined;
}

/** What one object of an image earned. */
export interface ObjectScore {
  readonly annotator: number;
  readonly region: number;
  /** Its share of the image's pixels. */
  readonly share: number;
  /** Where the search ended; null without granularity. */
  readonly granularity: number | null;
  /** After each click, until 0.9 is reached. */
  readonly ious: readonly number[];
  /** Pixels; label 1: in the object, 0: outside. */
  readonly clicks: readonly PromptPoint[];
}

/** All that is measured of one method on one image. Plain data. */
export interface ObjectsScore {
  readonly image: string;
  readonly objects: readonly ObjectScore[];
  /** null: not asked for, or the method makes no proposals. */
  readonly recall: WholeImageScore["recall"];
  readonly notes: readonly Note[];
}

/** Runs on a worker thread: looks at the image, clicks its objects at every granularity, finds its regions. */
export async function scoreObjects(job: ObjectsJob): Promise<ObjectsScore> {
  const { image } = job;
  const method = await methodOf(job.method, job.levels, "paper");
  const { photo, notes } = await readPhoto(image, { maxPixels: job.maxPixels });
  const truth = await readTruth(image, job.voidLabels, photo);
  const collected = new Notes();
  collected.merge([...notes, ...truth.notes]);
  const prepared = await method.prepare(photo);
  try {
    const objects: ObjectScore[] = [];
    const wanted = job.everyRegion ? everyObject(truth) : drawObjects(truth, image.name, job.seed);
    for (const { annotator, region, mask } of job.clicks ? wanted : []) {
      const run = await searchGranularity(prepared, mask, truth.counted, method.info.levels);
      objects.push({ annotator, region, share: mask.area / (truth.width * truth.height), ...run });
    }
    const measures = { interactive: false, recall: job.recall, boundary: false, partition: false };
    const { recall } = await scoreWholeImage(prepared, truth, measures);
    return { image: image.name, objects, recall, notes: collected.list() };
  } finally {
    await prepared.dispose();
  }
}
