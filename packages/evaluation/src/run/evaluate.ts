import { UnSAMError } from "@unsam/core/errors";
import { checkKeys } from "@unsam/core/options";
import type { ThreadGroup } from "@unsam/core/runtime";
import type { Dataset, DatasetImage } from "../datasets/dataset.js";
import type { MethodInfo } from "../methods/method.js";
import { type MethodSpec, methodName } from "../methods/open-method.js";
import type { Measures } from "../metrics/measures.js";
import { spreadOver } from "../spread-over.js";
import { type OpenedMethod, overMethods } from "./over-methods.js";
import type { ImageScore } from "./score-image.worker.js";
import { type Progress, scoreImages } from "./score-images.js";
import { type Summary, summarise } from "./summarise.js";

export interface EvaluateOptions {
  /** Granularities to ask at. */
  readonly levels: readonly number[];
  /** At most this many images of each set, spread evenly over it; null: all. */
  readonly limit: number | null;
  readonly measures: Measures;
  /** Of the clicks that are drawn and of the intervals. */
  readonly seed: number;
  /** Larger photos are refused before they are decoded (default 100 million). */
  readonly maxPixels?: number | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = ["levels", "limit", "measures", "seed", "maxPixels", "onProgress", "signal"];

/** One method on one data set. */
export interface Result {
  readonly dataset: Dataset;
  readonly method: MethodInfo;
  readonly summary: Summary;
  /** Per image and click, in the order of the set. */
  readonly images: readonly ImageScore[];
  /** Limit of the photos, as it was given. */
  readonly maxPixels: number | undefined;
  /** Images that could not be read or answered, and why. */
  readonly failures: readonly { readonly image: string; readonly error: string }[];
}

/** `count` granularities, evenly spaced up to 1. Throws `E_BAD_OPTION`. */
export function dialLevels(count: number): number[] {
  if (!Number.isInteger(count) || count < 1 || count > 100) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${count} levels cannot be asked for; give a whole number from 1 to 100.`,
    );
  }
  return Array.from({ length: count }, (_, k) => (k + 1) / count);
}

/**
 * Measures every method on every data set, on all cores: each image is one job of a worker thread. An image that fails
 * is told of in `failures`; a method that cannot be opened throws. Rejects with the signal's reason.
 */
export async function evaluate(
  datasets: readonly Dataset[],
  methods: readonly MethodSpec[],
  options: EvaluateOptions,
): Promise<Result[]> {
  checkKeys(options, OPTIONS, "evaluate");
  const { levels, signal } = options;
  return overMethods(datasets, methods, {
    levels,
    settings: "own",
    signal,
    measure: (dataset, method) => evaluateOne(dataset, method, options),
  });
}

function scorerOf(thread: ThreadGroup) {
  return thread.bind<typeof import("./score-image.worker.js")>(
    new URL("./score-image.worker.js", import.meta.url),
    "bulk",
  );
}

async function evaluateOne(
  dataset: Dataset,
  { spec: method, info, threads }: OpenedMethod,
  { levels, limit, measures, seed, maxPixels, onProgress, signal }: EvaluateOptions,
): Promise<Result> {
  const chosen = chooseImages(dataset, limit, measures);
  const { voidLabels } = dataset;
  const { scores: images, failures } = await scoreImages(chosen, {
    threads: threads.map(scorerOf),
    score: (scorer, image) =>
      scorer("scoreImage", [{ method, levels, image, voidLabels, measures, seed, maxPixels }], { signal }),
    tell: (done) =>
      onProgress?.({ dataset: dataset.name, method: methodName(method), done, total: chosen.length }),
    signal,
  });
  return { dataset, method: info, summary: summarise(images, info, seed), images, maxPixels, failures };
}

/** Images without clicks matter only where the whole image does. */
export function chooseImages(dataset: Dataset, limit: number | null, measures: Measures): DatasetImage[] {
  const whole = measures.recall || measures.boundary || measures.partition;
  const images = whole
    ? dataset.images
    : dataset.images.filter(({ clicks }) => clicks === null || clicks.length > 0);
  return spreadOver(images, limit);
}
