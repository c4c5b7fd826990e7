import type { Result } from "../run/evaluate.js";
import { clicksCsv } from "./clicks-csv.js";
import { htmlReport } from "./html.js";
import { latexTables } from "./latex.js";
import { markdownReport } from "./markdown.js";
import type { Report } from "./report.js";
import { reportTables } from "./tables.js";

/** The files of `--out`, by name. */
export async function reportFiles(
  report: Report,
  results: readonly Result[],
): Promise<Map<string, Uint8Array>> {
  const text = new TextEncoder();
  return new Map([
    ["report.json", text.encode(`${JSON.stringify(report, null, 2)}\n`)],
    ["report.md", text.encode(markdownReport(report))],
    ["tables.tex", text.encode(latexTables(reportTables(report)))],
    ["clicks.csv", text.encode(clicksCsv(report))],
    ["report.html", text.encode(await htmlReport(report, results))],
  ]);
}
