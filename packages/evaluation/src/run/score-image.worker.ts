import { drawClicks } from "../datasets/clicks/draw-clicks.js";
import type { Click, DatasetImage } from "../datasets/dataset.js";
import { type Note, Notes } from "../datasets/notes.js";
import { readPhoto } from "../datasets/read-photo.js";
import { readTruth } from "../datasets/read-truth.js";
import type { MethodSpec } from "../methods/open-method.js";
import type { Measures } from "../metrics/measures.js";
import { methodOf } from "./opened-methods.worker.js";
import { type ClickScore, scoreClick } from "./score-click.js";
import { scoreWholeImage, type WholeImageScore } from "./score-whole-image.js";

export interface ScoreJob {
  readonly method: MethodSpec;
  readonly levels: readonly number[];
  readonly image: DatasetImage;
  readonly voidLabels: readonly number[];
  readonly measures: Measures;
  readonly seed: number;
  readonly maxPixels: number | undefined;
}

/** All that is measured of one method on one image. Plain data. */
export interface ImageScore {
  readonly image: string;
  readonly clicks: readonly ClickScore[];
  readonly whole: WholeImageScore;
  /** About the image's data. */
  readonly notes: readonly Note[];
}

/** Runs on a worker thread: encodes the image, asks the method, compares. */
export async function scoreImage(job: ScoreJob): Promise<ImageScore> {
  const method = await methodOf(job.method, job.levels, "own");
  const { image } = job;
  const { photo, notes } = await readPhoto(image, { maxPixels: job.maxPixels });
  const truth = await readTruth(image, job.voidLabels, photo);
  const clicks: readonly Click[] = image.clicks ?? drawClicks(truth, image.name, job.seed);
  const collected = new Notes();
  collected.merge([...notes, ...truth.notes]);
  if (
    clicks.length === 0 &&
    image.clicks === null &&
    truth.annotations.some(({ regions }) => regions.size > 0)
  ) {
    const why = "clicks are drawn for regions of at least 0.1 % of the photo";
    collected.add("left-out", "photo without a region that is large enough", why, image.name);
  }
  const prepared = await method.prepare(photo);
  try {
    const scores: ClickScore[] = [];
    for (const click of clicks) {
      scores.push(await scoreClick(prepared, method.info, truth, click, job.measures.interactive));
    }
    const whole = await scoreWholeImage(prepared, truth, job.measures);
    return { image: image.name, clicks: scores, whole, notes: collected.list() };
  } finally {
    await prepared.dispose();
  }
}
