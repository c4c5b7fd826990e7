import { markupText } from "@unsam/core/markup";
import { noteText } from "../datasets/notes.js";
import { SIZE_BOUNDS } from "../metrics/region-size.js";
import type { Result } from "../run/evaluate.js";
import { type ClickPicture, clickPictures } from "./pictures.js";
import { plot } from "./plot.js";
import type { DatasetReport, Report, ResultReport } from "./report.js";
import { STYLE } from "./style.js";
import { decimals, reportTables, type Table } from "./tables.js";

/** Told apart by colour-blind eyes too, and on white (Okabe and Ito's palette, darkened a little). */
const COLORS = ["#0068a8", "#d1490b", "#00875a", "#a6398c", "#b07c00", "#4a4a4a", "#3aa0d8"];

/** The report as one HTML file that needs nothing else: tables, plots, pictures of clicks, and how to repeat it. */
export async function htmlReport(report: Report, results: readonly Result[]): Promise<string> {
  const names = report.methods.map(({ name }) => name);
  const color = (name: string) => COLORS[Math.max(0, names.indexOf(name)) % COLORS.length];
  const sections: string[] = [];
  for (const dataset of report.datasets) {
    const own = report.results.filter((result) => result.dataset === dataset.name);
    const pictures: string[] = [];
    for (const result of results.filter((result) => result.dataset.name === dataset.name)) {
      if (result.summary.clicks === 0) continue;
      pictures.push(clickSheet(result, await clickPictures(result)));
    }
    sections.push(datasetSection(dataset, own, color, pictures));
  }
  const tables = reportTables(report).map(htmlTable).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>UnSAM evaluation: ${markupText(names.join(", "))}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Segmentation from a click, measured</h1>
<p class="lead">${markupText(names.join(", "))} on ${markupText(report.datasets.map(({ name }) => name).join(", "))}</p>
<pre class="command">${markupText(report.run.command)}</pre>
</header>
<main>
${headline(report, color)}
${tables}
${sections.join("\n")}
${failures(report)}
${repeating(report, color)}
</main>
</body>
</html>
`;
}

/** Bars of the three readings, per data set and method. */
function headline({ results, datasets }: Report, color: (name: string) => string): string {
  const groups = datasets.map(({ name }) => {
    const bars = results
      .filter(({ dataset }) => dataset === name)
      .map(({ method, meanIou, meanIouInterval, autoIsFixed, fixedGranularity }) => {
        const bar = (key: "fixed" | "auto" | "oracle", label: string) => {
          const value = meanIou[key];
          const interval = meanIouInterval[key];
          if (value === null) return "";
          const whisker = interval
            ? `<i style="left:${percent(interval[0])};width:${percent(interval[1] - interval[0])}"></i>`
            : "";
          return `<div class="bar ${key}"><span>${label}</span><div><b style="width:${percent(value)};background:${color(method)}"></b>${whisker}</div><em>${decimals(value)}</em></div>`;
        };
        const leveled = fixedGranularity !== null;
        const bars = [
          leveled || meanIou.oracle !== meanIou.auto ? bar("oracle", "oracle") : "",
          autoIsFixed ? "" : bar("auto", leveled ? "auto" : "answer"),
          leveled ? bar("fixed", "best fixed") : "",
        ];
        return `<div class="bars"><h4>${markupText(method)}</h4>${bars.join("")}</div>`;
      });
    return `<div class="card"><h3>${markupText(name)}</h3>${bars.join("")}</div>`;
  });
  return `<section><h2>Mean IoU over clicks</h2><div class="cards">${groups.join("")}</div></section>`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`;
}

function htmlTable({ title, note, columns, rows }: Table): string {
  const numeric = columns.map((_, k) => rows.every((row) => /^[\d.–[]/.test(row[k])));
  const cell = (tag: string, text: string, k: number) =>
    `<${tag}${numeric[k] ? ' class="number"' : ""}>${markupText(text)}</${tag}>`;
  return `<section><h2>${markupText(title)}</h2><div class="scroll"><table>
<thead><tr>${columns.map((name, k) => cell("th", name, k)).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map((text, k) => cell("td", text, k)).join("")}</tr>`).join("\n")}</tbody>
</table></div><p class="note">${markupText(note)}</p></section>`;
}

function datasetSection(
  dataset: DatasetReport,
  results: readonly ResultReport[],
  color: (name: string) => string,
  pictures: readonly string[],
): string {
  const plots = [
    bySizePlot(results, color),
    byGranularityPlot(results, color),
    boundaryPlot(results, color),
    recallPlot(results, color),
  ];
  return `<section class="dataset"><h2>${markupText(dataset.name)}</h2>
<p class="lead">${markupText(dataset.title ?? "")}</p>
${noteList(dataset)}
${legend(
  results.map(({ method }) => method),
  color,
)}
<div class="plots">${plots.join("")}</div>
${pictures.join("\n")}</section>`;
}

function noteList({ notes }: DatasetReport): string {
  const items = notes.map((note) => `<li>${markupText(noteText(note))}</li>`);
  return items.length === 0 ? "" : `<ul class="notes">${items.join("")}</ul>`;
}

function legend(names: readonly string[], color: (name: string) => string): string {
  return `<p class="legend">${names.map((name) => `<span><i style="background:${color(name)}"></i>${markupText(name)}</span>`).join("")}</p>`;
}

function bySizePlot(results: readonly ResultReport[], color: (name: string) => string): string {
  const bounds = [0, ...SIZE_BOUNDS];
  const label = (share: number) => `${share < 0.01 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;
  const series = results.flatMap(({ method, iouBySize }) => {
    const points = (key: "auto" | "oracle") =>
      iouBySize.map(({ from, meanIou }) => [bounds.indexOf(from), meanIou[key]] as const);
    return [
      { name: method, points: points("oracle") },
      { name: method, points: points("auto"), dashed: true },
    ];
  });
  if (series.every(({ points }) => points.length === 0)) return "";
  const shown = new Set(series.flatMap(({ points }) => points.map(([at]) => at)));
  const xTicks = [...shown]
    .sort((a, b) => a - b)
    .map((at) => ({ at, label: at === 0 ? "0" : `≥ ${label(bounds[at])}` }));
  return plot({
    title: "IoU by size of the region (oracle; auto dashed)",
    x: "share of the image",
    y: "mean IoU",
    xTicks,
    series,
    color,
  });
}

function byGranularityPlot(results: readonly ResultReport[], color: (name: string) => string): string {
  const series = results
    .filter(({ iouByGranularity }) => iouByGranularity.length > 1)
    .map(({ method, iouByGranularity }) => ({
      name: method,
      points: iouByGranularity.map(({ granularity, meanIou }) => [granularity, meanIou] as const),
    }));
  if (series.length === 0) return "";
  const xTicks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((at) => ({ at, label: at.toFixed(1) }));
  return plot({
    title: "IoU at one granularity",
    x: "granularity",
    y: "mean IoU",
    xTicks,
    series,
    color,
  });
}

function boundaryPlot(results: readonly ResultReport[], color: (name: string) => string): string {
  const series = results.flatMap(({ method, boundary }) =>
    boundary
      ? [
          {
            name: method,
            points: boundary.curve
              .map(({ recall, precision }) => [recall, precision] as const)
              .sort((a, b) => a[0] - b[0]),
          },
          { name: method, points: [[boundary.ods.recall, boundary.ods.precision] as const], marksOnly: true },
        ]
      : [],
  );
  if (series.length === 0) return "";
  const xTicks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((at) => ({ at, label: at.toFixed(1) }));
  return plot({
    title: "Boundaries (dot: ODS; grey: equal F)",
    x: "recall",
    y: "precision",
    xTicks,
    series,
    color,
    isoF: true,
  });
}

function recallPlot(results: readonly ResultReport[], color: (name: string) => string): string {
  const series = results.flatMap(({ method, averageRecall }) =>
    averageRecall
      ? [{ name: method, points: averageRecall.byIou.map(({ iou, recall }) => [iou, recall] as const) }]
      : [],
  );
  if (series.length === 0) return "";
  const xTicks = [0.5, 0.6, 0.7, 0.8, 0.9].map((at) => ({ at, label: at.toFixed(1) }));
  return plot({ title: "Recall of 1000 proposals", x: "IoU", y: "recall", xTicks, series, color });
}

function clickSheet(
  result: Result,
  pictures: Record<"best" | "median" | "worst", readonly ClickPicture[]>,
): string {
  const what = result.method.chooses ? "its own choice" : "its best level for each click";
  const column = (title: string, list: readonly ClickPicture[]) =>
    `<div><h4>${title}</h4><div class="strip">${list
      .map(
        ({ image, iou, png }) =>
          `<figure><img src="${png}" alt="${markupText(image)}"><figcaption><span>${markupText(image)}</span><b>${iou.toFixed(2)}</b></figcaption></figure>`,
      )
      .join("")}</div></div>`;
  return `<details open><summary>${markupText(result.method.name)}: clicks, by the IoU of ${what} (answer pink, wanted region outlined in white)</summary>
<div class="sheet">${column("best", pictures.best)}${column("median", pictures.median)}${column("worst", pictures.worst)}</div></details>`;
}

function failures({ results }: Report): string {
  const items = results.flatMap(({ dataset, method, failures }) =>
    failures.map(({ image, error }) => `<li>${markupText(`${dataset}, ${method}, ${image}: ${error}`)}</li>`),
  );
  return items.length === 0 ? "" : `<section><h2>Images that failed</h2><ul>${items.join("")}</ul></section>`;
}

function repeating({ run, datasets, methods }: Report, color: (name: string) => string): string {
  const data = datasets.map(
    ({ name, title, licence, citation, clicksFrom, voidLabels }) =>
      `<dt>${markupText(name)}</dt><dd>${markupText(title ?? "")}. ${clicksFrom === "drawn" ? `Clicks drawn with seed ${run.seed}.` : "Fixed clicks."}${voidLabels.length > 0 ? ` Void labels: ${voidLabels.join(", ")}.` : ""} <b>Licence:</b> ${markupText(licence ?? "not stated")} <small>${markupText(citation ?? "")}</small></dd>`,
  );
  const about = methods.map(
    ({ name, description }) =>
      `<dt><i class="dot" style="background:${color(name)}"></i>${markupText(name)}</dt><dd>${markupText(description)}</dd>`,
  );
  return `<section class="repeat"><h2>To repeat it</h2>
<pre class="command">${markupText(run.command)}</pre>
<p>unsam ${markupText(run.versions.unsam)}, Node ${markupText(run.versions.node)}, ${markupText(run.machine.platform)}, ${markupText(run.machine.processor)} (${run.machine.cores} cores), ${markupText(run.date)}. Seed ${run.seed}, ${run.levels} levels${run.limit === null ? "" : `, at most ${run.limit} images a set`}, metrics: ${markupText(run.metrics.join(", "))}. Intervals: 95 %, ${markupText(run.confidence.method)}, ${run.confidence.replicates} replicates.</p>
<h3>Methods</h3><dl>${about.join("")}</dl>
<h3>Data</h3><dl>${data.join("")}</dl>
<p class="note">This page shows photos of the data sets above. Mind their licences before passing it on.</p></section>`;
}
