import { noteText } from "../datasets/notes.js";
import { failureLines, methodLines, ranText, tableParts } from "./markdown-parts.js";
import type { Report } from "./report.js";
import { reportTables } from "./tables.js";

/** The report as Markdown: tables, and what is needed to repeat them. */
export function markdownReport(report: Report): string {
  const { run, datasets, methods, results } = report;
  const lines = ["# Evaluation", "", "```", run.command, "```", ""];
  lines.push(...tableParts(reportTables(report)), ...failureLines(results));
  lines.push("## Data", "");
  for (const { name, title, licence, citation, clicksFrom, voidLabels, notes } of datasets) {
    lines.push(
      `- **${name}**${title ? ` (${title})` : ""}: ${clicksFrom === "drawn" ? `clicks drawn with seed ${run.seed}` : "fixed clicks"}${voidLabels.length > 0 ? `, void labels ${voidLabels.join(", ")}` : ""}. Licence: ${licence ?? "not stated"}. ${citation ?? ""}`.trimEnd(),
      ...notes.map((note) => `  - ${noteText(note)}`),
    );
  }
  lines.push(
    "",
    ...methodLines(methods),
    "## To repeat it",
    "",
    `${ranText(run)}; seed ${run.seed}, ${run.levels} levels, half of the images: ${run.half}${run.limit === null ? "" : `, at most ${run.limit} images a set`}; intervals: ${run.confidence.method}, ${run.confidence.replicates} replicates.`,
    "",
  );
  return lines.join("\n");
}
