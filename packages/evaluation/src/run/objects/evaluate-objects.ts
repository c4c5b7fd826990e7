import { availableParallelism } from "node:os";
import { checkKeys } from "@unsam/core/options";
import { ThreadGroup } from "@unsam/core/runtime";
import type { Benchmark } from "../../datasets/benchmarks/open-benchmarks.js";
import type { DatasetImage } from "../../datasets/dataset.js";
import type { MethodInfo } from "../../methods/method.js";
import { fillsMachine, type MethodSpec, methodName } from "../../methods/open-method.js";
import { spreadOver } from "../../spread-over.js";
import { scoreImages } from "../score-images.js";
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
  readonly onProgress?: ((progress: ObjectsProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = ["levels", "limit", "clicks", "recall", "seed", "maxPixels", "onProgress", "signal"];

/** Told at the beginning (0 done) and after each image. */
export interface ObjectsProgress {
  readonly dataset: string;
  readonly method: string;
  readonly done: number;
  readonly total: number;
}

/** One method on one benchmark. */
export interface ObjectsResult {
  readonly benchmark: Benchmark;
  readonly method: MethodInfo;
  readonly spec: MethodSpec;
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
  const results: ObjectsResult[] = [];
  const cores = Array.from({ length: availableParallelism() }, (_, k) => openScorer(k));
  for (const spec of methods) {
    const threads = fillsMachine(spec) ? cores.slice(0, 1) : cores;
    const method = await threads[0]("describeMethod", [spec, levels], { signal });
    for (const benchmark of benchmarks) {
      results.push({ benchmark, method, spec, ...(await evaluateOne(benchmark, spec, threads, options)) });
    }
    await Promise.all(threads.map((thread) => thread("release", [])));
  }
  // By benchmark, then method: the order in which they are compared.
  return benchmarks.flatMap((benchmark) => results.filter((result) => result.benchmark === benchmark));
}

/** A worker thread that scores images. It does not keep the process alive while idle. */
function openScorer(number: number) {
  const group = new ThreadGroup(`unsam-eval-objects-${number}`, { size: 1 });
  return group.bind<typeof import("./score-objects.worker.js")>(
    new URL("./score-objects.worker.js", import.meta.url),
    "bulk",
  );
}
type Scorer = ReturnType<typeof openScorer>;

async function evaluateOne(
  { dataset, everyRegion, wholeImage }: Benchmark,
  method: MethodSpec,
  threads: readonly Scorer[],
  options: EvaluateObjectsOptions,
): Promise<Pick<ObjectsResult, "images" | "failures">> {
  const { levels, limit, clicks, seed, maxPixels, onProgress, signal } = options;
  const recall = options.recall && wholeImage;
  const chosen: readonly DatasetImage[] = clicks || recall ? spreadOver(dataset.images, limit) : [];
  const { voidLabels } = dataset;
  const same = { method, levels, voidLabels, everyRegion, clicks, recall, seed, maxPixels };
  const { scores: images, failures } = await scoreImages(chosen, {
    threads,
    score: (thread: Scorer, image) => thread("scoreObjects", [{ ...same, image }], { signal }),
    tell: (done) =>
      onProgress?.({ dataset: dataset.name, method: methodName(method), done, total: chosen.length }),
    signal,
  });
  return { images, failures };
}
