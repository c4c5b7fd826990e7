import { checkKeys } from "@unsam/core/options";
import type { ThreadGroup } from "@unsam/core/runtime";
import type { Benchmark } from "../../datasets/benchmarks/open-benchmarks.js";
import type { DatasetImage } from "../../datasets/dataset.js";
import type { MethodInfo } from "../../methods/method.js";
import { type MethodSpec, methodName } from "../../methods/open-method.js";
import { spreadOver } from "../../spread-over.js";
import { type OpenedMethod, overMethods } from "../over-methods.js";
import { type Progress, scoreImages } from "../score-images.js";
import type { ObjectsScore } from "./score-objects.worker.js";

export interface EvaluateObjectsOptions {
  /** Granularities that are searched. */
  readonly levels: readonly number[];
  /** At most this many images of each set, spread evenly over it; null: all. */
  readonly limit: number | null;
  /** NoC and 1-IoU. */
  readonly clicks: boolean;
  /** AR@1000 of sets whose regions are all that is to be found. */
  readonly recall: boolean;
  /** Of the objects that are drawn, and of the intervals. */
  readonly seed: number;
  /** Larger photos are refused before they are decoded (default 100 million). */
  readonly maxPixels?: number | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = ["levels", "limit", "clicks", "recall", "seed", "maxPixels", "onProgress", "signal"];

/** One method on one benchmark. */
export interface ObjectsResult {
  readonly benchmark: Benchmark;
  readonly method: MethodInfo;
  /** In the order of the set. */
  readonly images: readonly ObjectsScore[];
  /** Images that could not be read or answered, and why. */
  readonly failures: readonly { readonly image: string; readonly error: string }[];
}

/**
 * Clicks the objects of benchmarks with every method as the field does, the granularity searched (`searchGranularity`), and
 * proposes regions of whole images; on all cores. An image that fails is told of in `failures`; a method that cannot be opened
 * throws. Rejects with the signal's reason.
 */
export async function evaluateObjects(
  benchmarks: readonly Benchmark[],
  methods: readonly MethodSpec[],
  options: EvaluateObjectsOptions,
): Promise<ObjectsResult[]> {
  checkKeys(options, OPTIONS, "evaluateObjects");
  const { levels, signal } = options;
  return overMethods(benchmarks, methods, {
    levels,
    settings: "paper",
    signal,
    measure: (benchmark, method) => evaluateOne(benchmark, method, options),
  });
}

function scorerOf(thread: ThreadGroup) {
  return thread.bind<typeof import("./score-objects.worker.js")>(
    new URL("./score-objects.worker.js", import.meta.url),
    "bulk",
  );
}

async function evaluateOne(
  benchmark: Benchmark,
  { spec: method, info, threads }: OpenedMethod,
  options: EvaluateObjectsOptions,
): Promise<ObjectsResult> {
  const { dataset, everyRegion, wholeImage } = benchmark;
  const { levels, limit, clicks, seed, maxPixels, onProgress, signal } = options;
  const recall = options.recall && wholeImage;
  const chosen: readonly DatasetImage[] = clicks || recall ? spreadOver(dataset.images, limit) : [];
  const { voidLabels } = dataset;
  const same = { method, levels, voidLabels, everyRegion, clicks, recall, seed, maxPixels };
  const { scores: images, failures } = await scoreImages(chosen, {
    threads: threads.map(scorerOf),
    score: (scorer, image) => scorer("scoreObjects", [{ ...same, image }], { signal }),
    tell: (done) =>
      onProgress?.({ dataset: dataset.name, method: methodName(method), done, total: chosen.length }),
    signal,
  });
  return { benchmark, method: info, images, failures };
}
