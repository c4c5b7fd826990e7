import type { BenchmarkLayout } from "../datasets/benchmarks/open-benchmarks.js";
import { leftOutText, type Note, notesOf } from "../datasets/notes.js";
import type { MethodInfo } from "../methods/method.js";
import { CONFIDENCE, type Confidence } from "../metrics/bootstrap.js";
import { MOST_CLICKS } from "../metrics/interactive.js";
import { mean } from "../metrics/iou.js";
import { type PairedDifference, pairedDifference } from "../metrics/paired-bootstrap.js";
import type { Half } from "../names.js";
import type { ObjectsResult } from "../run/objects/evaluate-objects.js";
import type { ObjectsScore } from "../run/objects/score-objects.worker.js";
import {
  OBJECT_MEASURE_NAMES,
  type ObjectMeasure,
  type ObjectsSummary,
  objectValues,
  summariseObjects,
} from "../run/objects/summarise-objects.js";
import type { CodeCommit } from "./code-commit.js";
import { type Machine, thisMachine } from "./machine.js";

/** The JSON document of a run of UnSAMv2's protocol; its schema is docs/schemas/eval-unsamv2.schema.json. */
export interface ObjectsReport {
  readonly schema: "unsam-eval-unsamv2/1";
  /** All that is needed to do it again. */
  readonly run: {
    readonly command: string;
    readonly date: string;
    readonly seed: number;
    readonly levels: readonly number[];
    readonly mostClicks: number;
    readonly limit: number | null;
    readonly half: Half;
    readonly confidence: Confidence;
    readonly versions: { readonly unsam: string; readonly node: string; readonly code: CodeCommit | null };
    readonly machine: Machine;
  };
  readonly datasets: readonly BenchmarkReport[];
  readonly methods: readonly MethodInfo[];
  /** By data set, then method. */
  readonly results: readonly ObjectsResultReport[];
  /** Of each method over the sets, each counted once, as the paper's table does. */
  readonly means: readonly MeansReport[];
  /** Of each two methods on each set. */
  readonly differences: readonly DifferenceReport[];
}

export interface BenchmarkReport {
  readonly name: string;
  readonly path: string;
  readonly layout: BenchmarkLayout;
  /** Of the half that was taken. */
  readonly images: number;
  readonly notes: readonly Note[];
}

export type ObjectsResultReport = ObjectsSummary & {
  readonly dataset: string;
  readonly method: string;
  /** Every object of every image, with the IoU after each click. */
  readonly scores: readonly Omit<ObjectsScore, "notes">[];
  readonly failures: ObjectsResult["failures"];
};

export type MeansReport = { readonly [Name in ObjectMeasure]: number | null } & {
  readonly method: string;
  /** Sets that have this figure. */
  readonly datasets: number;
  readonly averageRecall: number | null;
  readonly recallDatasets: number;
};

export interface DifferenceReport extends PairedDifference {
  readonly dataset: string;
  readonly measure: ObjectMeasure;
  /** The difference is the first one's mean less the second one's. */
  readonly methods: readonly [string, string];
}

export interface ObjectsRunDetails {
  /** As typed. */
  readonly command: string;
  /** Of the program that ran it. */
  readonly version: string;
  readonly code: CodeCommit | null;
  readonly date: Date;
  readonly seed: number;
  readonly levels: readonly number[];
  readonly limit: number | null;
  readonly half: Half;
}

export function makeObjectsReport(
  results: readonly ObjectsResult[],
  details: ObjectsRunDetails,
): ObjectsReport {
  const { command, version, code, date, seed, levels, limit, half } = details;
  const reports = results.map(({ benchmark, method, images, failures }) => ({
    dataset: benchmark.dataset.name,
    method: method.name,
    ...summariseObjects(images, seed),
    scores: images.map(({ notes: _, ...score }) => score),
    failures,
  }));
  const methods = new Map(results.map(({ method }) => [method.name, method]));
  return {
    schema: "unsam-eval-unsamv2/1",
    run: {
      command,
      date: date.toISOString(),
      seed,
      levels,
      mostClicks: MOST_CLICKS,
      limit,
      half,
      confidence: CONFIDENCE,
      versions: { unsam: version, node: process.version, code },
      machine: thisMachine(),
    },
    datasets: benchmarkReports(results),
    methods: [...methods.values()],
    results: reports,
    means: [...methods.keys()].map((method) => meansOf(method, reports)),
    differences: differencesOf(results, seed),
  };
}

function benchmarkReports(results: readonly ObjectsResult[]): BenchmarkReport[] {
  const benchmarks = [...new Set(results.map(({ benchmark }) => benchmark))];
  return benchmarks.map((benchmark) => {
    const { layout, dataset } = benchmark;
    const scored = results.filter((one) => one.benchmark === benchmark).flatMap(({ images }) => images);
    return {
      name: dataset.name,
      path: dataset.path,
      layout,
      images: dataset.images.length,
      notes: notesOf(dataset.notes, scored),
    };
  });
}

function meansOf(method: string, results: readonly ObjectsResultReport[]): MeansReport {
  const own = results.filter((result) => result.method === method);
  const over = (name: ObjectMeasure) => {
    const values = own.flatMap((result) => result[name]?.mean ?? []);
    return values.length > 0 ? mean(values) : null;
  };
  const recalls = own.flatMap(({ averageRecall }) => averageRecall?.value ?? []);
  return {
    method,
    datasets: own.filter(({ noc90 }) => noc90 !== null).length,
    ...{ noc80: over("noc80"), noc85: over("noc85"), noc90: over("noc90") },
    oneClickIou: over("oneClickIou"),
    averageRecall: recalls.length > 0 ? mean(recalls) : null,
    recallDatasets: recalls.length,
  };
}

function differencesOf(results: readonly ObjectsResult[], seed: number): DifferenceReport[] {
  const differences: DifferenceReport[] = [];
  for (const [k, first] of results.entries()) {
    for (const second of results.slice(k + 1)) {
      if (second.benchmark !== first.benchmark) continue;
      for (const measure of OBJECT_MEASURE_NAMES) {
        const [a, b] = [objectValues(first.images, measure), objectValues(second.images, measure)];
        const found = pairedDifference(a, b, seed);
        const methods = [first.method.name, second.method.name] as const;
        if (found) differences.push({ dataset: first.benchmark.dataset.name, measure, methods, ...found });
      }
    }
  }
  return differences;
}

/** Why a method has no figure on a data set, in one sentence; null where it has one, or where images failed. */
export function noObjectScored({ datasets }: ObjectsReport, result: ObjectsResultReport): string | null {
  if (result.objects > 0 || result.averageRecall || result.failures.length > 0) return null;
  const { notes, images } = datasets.find(({ name }) => name === result.dataset)!;
  const why = images === 0 ? "no image is in this half" : leftOutText(notes) || "it has no object";
  return `${result.dataset} has nothing to score: ${why}.`;
}
