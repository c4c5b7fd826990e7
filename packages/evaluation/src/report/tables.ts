import type { DifferenceOfMethods } from "./differences.js";
import type { Report, ResultReport } from "./report.js";

/** A table of a report: a heading line, then a line per data set and method. */
export interface Table {
  readonly title: string;
  /** What the numbers are. */
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** All tables of a report that have something to tell. */
export function reportTables({ results, differences }: Report): Table[] {
  return [
    iouTable(results),
    differenceTable(differences),
    granularityTable(results.filter(({ granularity }) => granularity)),
    interactiveTable(results.filter(({ interactive }) => interactive)),
    recallTable(results.filter(({ averageRecall }) => averageRecall)),
    boundaryTable(results.filter(({ boundary }) => boundary)),
    partitionTable(results.filter(({ partition }) => partition)),
  ].filter(({ rows }) => rows.length > 0);
}

export function decimals(value: number | null | undefined, places = 3): string {
  return value === null || value === undefined || Number.isNaN(value) ? "–" : value.toFixed(places);
}

function iouTable(results: readonly ResultReport[]): Table {
  return {
    title: "Mean IoU over clicks",
    note: "Best fixed: the one granularity that is best on the whole set, chosen in hindsight. Auto: the method's own choice (* it makes none; best fixed instead). Oracle: the best answer of each click. In brackets the 95 % interval.",
    columns: ["data set", "method", "images", "clicks", "best fixed", "at", "auto", "oracle"],
    rows: results.map((result) => [
      result.dataset,
      result.method,
      String(result.images),
      String(result.clicks),
      withInterval(result, "fixed"),
      decimals(result.fixedGranularity, 2),
      `${withInterval(result, "auto")}${result.autoIsFixed ? " *" : ""}`,
      withInterval(result, "oracle"),
    ]),
  };
}

function withInterval({ meanIou, meanIouInterval }: ResultReport, key: "fixed" | "auto" | "oracle"): string {
  const interval = meanIouInterval[key];
  return `${decimals(meanIou[key])}${interval ? ` [${interval.map((end) => decimals(end)).join(", ")}]` : ""}`;
}

function differenceTable(differences: readonly DifferenceOfMethods[]): Table {
  return {
    title: "Differences of methods",
    note: "Mean IoU of the first less that of the second on the same clicks. In brackets the 95 % interval of the difference: images are drawn, and both methods keep their values on them (paired bootstrap).",
    columns: ["data set", "first", "second", "best fixed", "auto", "oracle"],
    rows: differences.map(({ dataset, methods, fixed, auto, oracle }) => [
      dataset,
      ...methods,
      ...[fixed, auto, oracle].map(
        ({ difference, interval }) =>
          `${signed(difference)} [${interval.map((end) => signed(end)).join(", ")}]`,
      ),
    ]),
  };
}

/** A difference, with its sign. */
export function signed(value: number, places = 3): string {
  return `${value > 0 ? "+" : ""}${decimals(value, places)}`.replace("-", "−");
}

function granularityTable(results: readonly ResultReport[]): Table {
  return {
    title: "Granularity",
    note: "Rank correlation: Spearman's, of granularity and mask area, median over the clicks whose area changes. Nesting violation: share of area outside the next coarser answer. Calibration error: mean distance between the chosen and the best granularity.",
    columns: [
      "data set",
      "method",
      "rank correlation",
      "of clicks",
      "nesting violation",
      "calibration error",
    ],
    rows: results.map(({ dataset, method, granularity }) => [
      dataset,
      method,
      decimals(granularity?.rankCorrelation.median),
      String(granularity?.rankCorrelation.clicks),
      granularity?.nestingViolation == null ? "–" : `${(100 * granularity.nestingViolation).toFixed(2)} %`,
      decimals(granularity?.calibrationError),
    ]),
  };
}

function interactiveTable(results: readonly ResultReport[]): Table {
  const rows = results.flatMap(({ dataset, method, interactive }) =>
    (
      [
        ["best for the first click", interactive?.dial],
        ["auto", interactive?.auto],
      ] as const
    ).flatMap(([granularity, noc]) =>
      noc
        ? [
            [
              dataset,
              method,
              granularity,
              decimals(noc.oneClickIou),
              decimals(noc.noc80, 2),
              decimals(noc.noc85, 2),
              decimals(noc.noc90, 2),
              `${(100 * noc.failures90).toFixed(0)} %`,
            ],
          ]
        : [],
    ),
  );
  return {
    title: "Iterative clicks",
    note: "1-IoU: mean IoU after the first click. NoC@q: mean number of clicks until the IoU is q %, 20 where it never is. Failures: regions below 90 % after 20 clicks.",
    columns: ["data set", "method", "granularity", "1-IoU", "NoC@80", "NoC@85", "NoC@90", "failures"],
    rows,
  };
}

function recallTable(results: readonly ResultReport[]): Table {
  return {
    title: "Recall of proposals",
    note: "AR@1000: share of all regions found by at most 1000 proposals an image, mean over IoU .50 to .95.",
    columns: [
      "data set",
      "method",
      "AR@1000",
      "at IoU .50",
      "at IoU .75",
      "at IoU .90",
      "regions",
      "proposals an image",
    ],
    rows: results.map(({ dataset, method, averageRecall }) => {
      const at = (iou: number) =>
        averageRecall?.byIou.find((entry) => Math.abs(entry.iou - iou) < 1e-9)?.recall;
      return [
        dataset,
        method,
        decimals(averageRecall?.value),
        decimals(at(0.5)),
        decimals(at(0.75)),
        decimals(at(0.9)),
        String(averageRecall?.regions),
        decimals(averageRecall?.proposals, 0),
      ];
    }),
  };
}

function boundaryTable(results: readonly ResultReport[]): Table {
  return {
    title: "Boundaries",
    note: "F, precision and recall within 0.0075 of the diagonal, matched one to one. ODS: one threshold for the set; OIS: each image's own.",
    columns: ["data set", "method", "ODS F", "precision", "recall", "OIS F"],
    rows: results.map(({ dataset, method, boundary }) => [
      dataset,
      method,
      decimals(boundary?.ods.f),
      decimals(boundary?.ods.precision),
      decimals(boundary?.ods.recall),
      decimals(boundary?.ois.f),
    ]),
  };
}

function partitionTable(results: readonly ResultReport[]): Table {
  return {
    title: "Segmentations of the whole image",
    note: "Covering and probabilistic Rand index: higher is better; variation of information (bits): lower is better. ODS / OIS as for boundaries; best: each region's best segment at any threshold.",
    columns: ["data set", "method", "covering ODS", "OIS", "best", "PRI ODS", "OIS", "VI ODS", "OIS"],
    rows: results.map(({ dataset, method, partition }) => [
      dataset,
      method,
      decimals(partition?.covering.ods),
      decimals(partition?.covering.ois),
      decimals(partition?.covering.best),
      decimals(partition?.probabilisticRandIndex.ods),
      decimals(partition?.probabilisticRandIndex.ois),
      decimals(partition?.variationOfInformation.ods),
      decimals(partition?.variationOfInformation.ois),
    ]),
  };
}
