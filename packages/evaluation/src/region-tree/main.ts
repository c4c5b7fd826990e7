#!/usr/bin/env node
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openDatasets } from "../datasets/open-datasets.js";
import { type Asked, runMain, wholeNumber } from "../run-main.js";
import { evaluateRegionTree, type RegionTreeReport } from "./evaluate.js";

const USAGE = `Scores the region tree on the fixed clicks of evaluation sets (IoU, mean over clicks).

  npm run eval:region-tree -- [SET …] [--data DIR] [--limit N] [--longest-side PX] [--json]

  SET             bsds500, dsb2018, camvid, em_isbi2012 (all four if none is named)
  --data DIR      folder that holds the sets (default: ../shared/data/eval beside this repository)
  --limit N       only N images of each set, spread evenly
  --longest-side  size the tree is built at (default 640)
  --json          one JSON document on standard output
`;
const SETS = ["bsds500", "dsb2018", "camvid", "em_isbi2012"];
const DATA = fileURLToPath(new URL("../../../../../shared/data/eval", import.meta.url));

const FLAGS = {
  data: { type: "string", default: DATA },
  limit: { type: "string" },
  "longest-side": { type: "string", default: "640" },
  json: { type: "boolean", default: false },
} as const;

async function main({ values, positionals }: Asked<typeof FLAGS>): Promise<void> {
  const limit = values.limit === undefined ? undefined : wholeNumber("--limit", values.limit);
  const longestSide = wholeNumber("--longest-side", values["longest-side"]);
  const reports: RegionTreeReport[] = [];
  for (const name of positionals.length > 0 ? positionals : SETS) {
    const [dataset] = await openDatasets(path.join(values.data, name));
    const report = await evaluateRegionTree(dataset, { limit, tree: { longestSide } }, (done, total) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${done} of ${total} images\x1b[K`);
    });
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    reports.push(report);
  }
  process.stdout.write(values.json ? `${JSON.stringify(reports, null, 2)}\n` : table(reports));
}

/** A Markdown table: a row for each measure, a column for each set. */
function table(reports: readonly RegionTreeReport[]): string {
  const iou = (value: number) => value.toFixed(3);
  const rows: [string, (report: RegionTreeReport) => string][] = [
    ["images / clicks", (r) => `${r.images} / ${r.clicks}`],
    ["oracle over all ancestors", (r) => iou(r.oracle)],
    ["oracle over 10 granularities", (r) => iou(r.oracleOfLevels)],
    ["best single granularity", (r) => `${iou(r.bestLevel.iou)} (${r.bestLevel.granularity})`],
    ["auto", (r) => iou(r.auto)],
    ["box of the region as prompt", (r) => iou(r.box)],
    ["the region as mask prompt", (r) => iou(r.mask)],
    ["chains that do not grow", (r) => String(r.brokenChains)],
    [
      "CPU ms a photo, median / slowest",
      (r) => `${r.milliseconds.median.toFixed(0)} / ${r.milliseconds.slowest.toFixed(0)}`,
    ],
    ["leaves", (r) => r.leaves.toFixed(0)],
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return (
    line(["", ...reports.map((report) => report.dataset)]) +
    line(["---", ...reports.map(() => "---")]) +
    rows.map(([name, cell]) => line([name, ...reports.map(cell)])).join("")
  );
}

runMain(USAGE, FLAGS, main);
