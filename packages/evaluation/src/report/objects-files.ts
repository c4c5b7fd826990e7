import { noteText } from "../datasets/notes.js";
import { clicksUntil } from "../metrics/interactive.js";
import type { MeanOfObjects } from "../run/objects/summarise-objects.js";
import { type Cell, csvText } from "./csv.js";
import { latexTables } from "./latex.js";
import { failureLines, methodLines, ranText, tableParts } from "./markdown-parts.js";
import type { DifferenceReport, MeansReport, ObjectsReport, ObjectsResultReport } from "./objects-report.js";
import { decimals, signed, type Table } from "./tables.js";

/**
 * The files of `--out`, by name: the report as JSON and Markdown, its tables as LaTeX (`tables.tex`), the figures of each set and
 * method (`results.csv`), and every click of every object (`clicks.csv`).
 */
export function objectsReportFiles(report: ObjectsReport): Map<string, Uint8Array> {
  const text = new TextEncoder();
  return new Map([
    ["report.json", text.encode(`${JSON.stringify(report, null, 1)}\n`)],
    ["report.md", text.encode(markdown(report))],
    ["tables.tex", text.encode(latexTables(objectsTables(report)))],
    ["results.csv", text.encode(resultsCsv(report))],
    ["clicks.csv", text.encode(clicksCsv(report))],
  ]);
}

/** The columns of figures, as the paper names them, and their cells: IoU and recall in percent. */
export const OBJECT_COLUMNS = ["NoC80", "NoC90", "1-IoU", "AR1000"];

export function objectCells(result: ObjectsResultReport | MeansReport): string[] {
  const recall = result.averageRecall;
  const value = typeof recall === "number" ? recall : (recall?.value ?? null);
  const middle = (figure: MeanOfObjects | number | null) =>
    typeof figure === "number" ? figure : (figure?.mean ?? null);
  const [noc80, noc90, one] = [result.noc80, result.noc90, result.oneClickIou].map(middle);
  return [decimals(noc80, 2), decimals(noc90, 2), percent(one), percent(value)];
}

function percent(value: number | null): string {
  return value === null ? "–" : (100 * value).toFixed(1);
}

function objectsTables({ results, means, differences }: ObjectsReport): Table[] {
  const figures: Table = {
    title: "Clicks until an object is reached, the granularity searched",
    note: "NoC80, NoC90: mean number of clicks until IoU 0.80, 0.90, 20 where it is not reached. 1-IoU: mean IoU after one click, in percent. AR1000: average recall of 1000 proposals, in percent. Mean: over the sets, each counted once.",
    columns: ["data set", "method", "images", "objects", ...OBJECT_COLUMNS, "not reached"],
    rows: [
      ...results.map((result) => [
        ...[result.dataset, result.method, `${result.images}`, `${result.objects}`],
        ...objectCells(result),
        result.failures90 === null ? "–" : `${percent(result.failures90)} %`,
      ]),
      ...means.map((one) => ["mean", one.method, "", "", ...objectCells(one), ""]),
    ],
  };
  const intervals: Table = {
    title: "95 % intervals",
    note: "Percentile bootstrap over images.",
    columns: ["data set", "method", "NoC80", "NoC90", "1-IoU"],
    rows: results
      .filter(({ objects }) => objects > 0)
      .map(({ dataset, method, noc80, noc90, oneClickIou }) => [
        ...[dataset, method],
        ...[between(noc80, 1), between(noc90, 1), between(oneClickIou, 100)],
      ]),
  };
  const paired: Table = {
    title: "Differences of methods",
    note: "Mean of the first less mean of the second on the same objects; paired bootstrap over images, 95 % intervals. 1-IoU in percent.",
    columns: ["data set", "first", "second", "measure", "difference", "interval"],
    rows: differences.map(differenceRow),
  };
  return [figures, intervals, paired].filter(({ rows }) => rows.length > 0);
}

function between(figure: MeanOfObjects | null, scale: number): string {
  return figure ? figure.interval.map((end) => (scale * end).toFixed(2)).join(" to ") : "–";
}

function differenceRow({ dataset, methods, measure, difference, interval }: DifferenceReport): string[] {
  const scale = measure === "oneClickIou" ? 100 : 1;
  const text = (value: number) => signed(scale * value, 2);
  const name = { noc80: "NoC80", noc85: "NoC85", noc90: "NoC90", oneClickIou: "1-IoU" }[measure];
  return [dataset, ...methods, name, text(difference), interval.map(text).join(" to ")];
}

function resultsCsv({ results }: ObjectsReport): string {
  const figures = (figure: MeanOfObjects | null): Cell[] =>
    figure ? [figure.mean, ...figure.interval] : [null, null, null];
  const three = (name: string) => [name, `${name}_low`, `${name}_high`];
  return csvText(
    [
      ...["dataset", "method", "images", "objects"],
      ...["noc80", "noc85", "noc90", "one_click_iou"].flatMap(three),
      ...["not_reached90", "ar1000", "regions", "proposals", "failed_images"],
    ],
    results.map((result) => [
      ...[result.dataset, result.method, result.images, result.objects],
      ...[result.noc80, result.noc85, result.noc90, result.oneClickIou].flatMap(figures),
      result.failures90,
      result.averageRecall?.value ?? null,
      result.averageRecall?.regions ?? null,
      result.averageRecall?.proposals ?? null,
      result.failures.length,
    ]),
  );
}

/** A line for each click. */
function clicksCsv({ results }: ObjectsReport): string {
  const rows: Cell[][] = [];
  for (const { dataset, method, scores } of results) {
    for (const { image, objects } of scores) {
      for (const { annotator, region, share, granularity, ious, clicks } of objects) {
        const noc = [clicksUntil(ious, 0.8), clicksUntil(ious, 0.9)];
        for (const [k, iou] of ious.entries()) {
          const { x, y, label } = clicks[k];
          rows.push([
            ...[dataset, method, image, annotator, region, share, granularity, ...noc],
            ...[k + 1, x, y, label, iou],
          ]);
        }
      }
    }
  }
  const columns =
    "dataset method image annotator region share granularity noc80 noc90 click x y label iou".split(" ");
  return csvText(columns, rows);
}

function markdown(report: ObjectsReport): string {
  const { run, datasets, methods, results } = report;
  const lines = ["# Clicks on objects, as UnSAMv2 measures them", "", "```", run.command, "```", ""];
  lines.push(...tableParts(objectsTables(report)), ...failureLines(results), "## Data", "");
  for (const { name, path, layout, images, notes } of datasets) {
    lines.push(`- **${name}** (${path}, layout ${layout}): ${images} images`);
    lines.push(...notes.map((note) => `  - ${noteText(note)}`));
  }
  lines.push(
    "",
    ...methodLines(methods),
    "## To repeat it",
    "",
    `${ranText(run)}; granularities ${run.levels.join(", ")}; half of the images: ${run.half}${run.limit === null ? "" : `, at most ${run.limit} images a set`}; seed ${run.seed}; intervals: ${run.confidence.method}, ${run.confidence.replicates} replicates.`,
    "",
  );
  return lines.join("\n");
}
