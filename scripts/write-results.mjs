// Writes the table of mean IoU from a report of `unsam eval` into a Markdown file, between the two markers.
import { readFile, writeFile } from "node:fs/promises";

const START = "<!-- results: written by `npm run results`, not by hand -->";
const END = "<!-- end of results -->";

const TREE = "constants: all of bsds500 and em_isbi2012, half of camvid and dsb2018";
/** What of a method was chosen in view of which of these images. Where and how: docs/region-tree.md, docs/training.md. */
const TUNED = new Map([
  ["otsu", "nothing"],
  ["felzenszwalb", "scales: all"],
  ["region-tree", TREE],
  ["region-tree (baseline)", TREE],
  ["nano", "as region-tree; weights of cues: 47 images, two weights: all"],
]);

const [reportFile, documentFile] = process.argv.slice(2);
if (!documentFile) throw new Error("Usage: node scripts/write-results.mjs REPORT.json DOCUMENT.md");
const report = JSON.parse(await readFile(reportFile, "utf8"));
const text = await readFile(documentFile, "utf8");
const start = text.indexOf(START);
const end = text.indexOf(END);
if (start < 0 || end < start) throw new Error(`${documentFile} has no lines ${START} … ${END}.`);
await writeFile(documentFile, `${text.slice(0, start + START.length)}\n${table(report)}\n${text.slice(end)}`);

/** A line per method and reading, a column per data set. */
function table({ datasets, methods, results }) {
  const names = datasets.map(({ name }) => name);
  const row = (cells) => `| ${cells.join(" | ")} |`;
  const lines = [row(["", ...names, "tuned on"]), row(["---", ...names.map(() => "---"), "---"])];
  for (const { name, levels, chooses } of methods) {
    const readings = [
      ["oracle", `${name}, best of ${levels.length} levels`, levels.length > 0],
      ["auto", `${name}, its own choice`, chooses && levels.length > 0],
      ["fixed", levels.length > 0 ? `${name}, best fixed level` : name, true],
    ];
    for (const [key, label, shown] of readings) {
      if (!shown) continue;
      const cells = names.map((dataset) => {
        const result = results.find((one) => one.dataset === dataset && one.method === name);
        return result?.meanIou[key] == null ? "–" : result.meanIou[key].toFixed(3).replace(/^0/, "");
      });
      lines.push(row([label, ...cells, TUNED.get(name) ?? "not stated"]));
    }
  }
  return lines.join("\n");
}
