import type { Dataset } from "../datasets/dataset.js";
import { leftOutText, type Note, notesOf } from "../datasets/notes.js";
import type { MethodInfo } from "../methods/method.js";
import { CONFIDENCE, type Confidence } from "../metrics/bootstrap.js";
import type { Measures } from "../metrics/measures.js";
import { type Half, OPTIONAL_METRICS } from "../names.js";
import type { EvaluateOptions, Result } from "../run/evaluate.js";
import type { ClickScore } from "../run/score-click.js";
import type { ImageScore } from "../run/score-image.worker.js";
import type { WholeImageScore } from "../run/score-whole-image.js";
import type { Summary } from "../run/summarise.js";
import type { CodeCommit } from "./code-commit.js";
import { type DifferenceOfMethods, differencesOfMethods } from "./differences.js";
import { type Machine, thisMachine } from "./machine.js";

/** The JSON document of a run; its schema is docs/schemas/eval.schema.json. */
export interface Report {
  readonly schema: "unsam-eval/1";
  /** All that is needed to do it again. */
  readonly run: Run;
  readonly datasets: readonly DatasetReport[];
  readonly methods: readonly MethodInfo[];
  /** By data set, then method. */
  readonly results: readonly ResultReport[];
  /** Of each two methods on each set. */
  readonly differences: readonly DifferenceOfMethods[];
}

export interface Run {
  readonly command: string;
  readonly date: string;
  readonly seed: number;
  readonly levels: number;
  readonly limit: number | null;
  readonly half: Half;
  readonly metrics: readonly string[];
  readonly confidence: Confidence;
  readonly versions: { readonly unsam: string; readonly node: string; readonly code: CodeCommit | null };
  readonly machine: Machine;
}

export interface DatasetReport extends Omit<Dataset, "images"> {
  readonly images: number;
  /** Of the data set, and of the images that were scored. */
  readonly notes: readonly Note[];
}

export interface ResultReport extends Summary {
  readonly dataset: string;
  readonly method: string;
  /** Every click of every image, in their order. */
  readonly scores: readonly ImageReport[];
  readonly failures: Result["failures"];
}

/** What one image earned, but for pictures. */
export interface ImageReport {
  readonly image: string;
  readonly clicks: readonly Omit<ClickScore, "image" | "picture">[];
  readonly whole: WholeImageScore;
}

export interface RunDetails {
  /** As typed. */
  readonly command: string;
  /** Of the program that ran it. */
  readonly version: string;
  /** Default: none, an installed package. */
  readonly code?: CodeCommit | null;
  /** Half of each set's images that was taken (default: all). */
  readonly half?: Half;
  readonly date: Date;
  readonly options: Pick<EvaluateOptions, "levels" | "limit" | "measures" | "seed">;
}

export function makeReport(results: readonly Result[], details: RunDetails): Report {
  const { options } = details;
  const datasets = new Map(results.map(({ dataset }) => [dataset, describeDataset(dataset, results)]));
  const methods = new Map(results.map(({ method }) => [method.name, method]));
  return {
    schema: "unsam-eval/1",
    run: {
      command: details.command,
      date: details.date.toISOString(),
      seed: options.seed,
      levels: options.levels.length,
      limit: options.limit,
      half: details.half ?? "all",
      metrics: metricNames(options.measures),
      confidence: CONFIDENCE,
      versions: { unsam: details.version, node: process.version, code: details.code ?? null },
      machine: thisMachine(),
    },
    datasets: [...datasets.values()],
    methods: [...methods.values()],
    results: results.map(({ dataset, method, summary, images, failures }) => ({
      dataset: dataset.name,
      method: method.name,
      ...summary,
      scores: images.map(imageReport),
      failures,
    })),
    differences: differencesOfMethods(results, options.seed),
  };
}

function imageReport({ image, clicks, whole }: ImageScore): ImageReport {
  return { image, clicks: clicks.map(({ image: _, picture: __, ...click }) => click), whole };
}

function metricNames(measures: Measures): string[] {
  return ["clicks", ...OPTIONAL_METRICS.filter((name) => measures[name])];
}

function describeDataset(dataset: Dataset, results: readonly Result[]): DatasetReport {
  const images = results.filter((result) => result.dataset === dataset).flatMap((result) => result.images);
  return { ...dataset, images: dataset.images.length, notes: notesOf(dataset.notes, images) };
}

/** Why a method has no figure on a data set, in one sentence; null where it has one, or where images failed. */
export function nothingScored({ datasets }: Report, result: ResultReport): string | null {
  const { clicks, averageRecall, boundary, partition, failures } = result;
  if (clicks > 0 || averageRecall || boundary || partition || failures.length > 0) return null;
  const leftOut = leftOutText(datasets.find(({ name }) => name === result.dataset)!.notes);
  const why = leftOut ? `: left out are ${leftOut}` : "; it has no click and no region";
  return `${result.dataset} has nothing to score${why}.`;
}
