import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import type { Half, Measures, MethodSpec, ObjectsReport } from "@unsam/evaluation";
import { placesOf } from "../images/patterns.js";
import { printResult } from "../terminal/output.js";
import { tableText } from "../terminal/table.js";
import { version } from "../version.js";
import { writeFolder } from "../write-folder.js";
import { tellNotes, tellNothing, withImages } from "./tell.js";

/** What `unsam eval --protocol unsamv2` was told. */
export interface ObjectsFlags {
  readonly data: string;
  readonly levels: number;
  readonly limit?: number;
  readonly half: Half;
  /** null: what the protocol measures, clicks and recall. */
  readonly measures: Measures | null;
  readonly maxPixels?: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: true;
}

/** Clicks the objects of benchmarks as UnSAMv2's evaluation does, and tells NoC80, NoC90, 1-IoU and AR1000. `command`: as typed. */
export async function evalObjects(
  flags: ObjectsFlags,
  methods: readonly MethodSpec[],
  command: string,
  signal: AbortSignal,
): Promise<void> {
  const { half, seed, out } = flags;
  const { clicks, recall } = whatToMeasure(flags.measures);
  const evaluation = await import("@unsam/evaluation");
  const levels = evaluation.dialLevels(flags.levels);
  const limit = flags.limit ?? null;
  const opened = await evaluation.openBenchmarks(await placesOf(flags.data, signal), { signal });
  const benchmarks = opened.map((one) => ({ ...one, dataset: evaluation.takeHalf(one.dataset, half) }));
  const options = { levels, limit, clicks, recall, seed, maxPixels: flags.maxPixels, signal };
  const results = await withImages((onProgress) =>
    evaluation.evaluateObjects(benchmarks, methods, { ...options, onProgress }),
  );
  const code = await evaluation.codeCommit();
  const details = { command, version, code, date: new Date(), seed, levels, limit, half };
  const report = evaluation.makeObjectsReport(results, details);
  signal.throwIfAborted();
  if (out) await writeFolder(out, evaluation.objectsReportFiles(report));
  tellNotes(report, evaluation.noteText);
  const table = describe(report, out, evaluation.OBJECT_COLUMNS, evaluation.objectCells);
  printResult(
    flags.json,
    () => report,
    () => table,
  );
  tellNothing(report.results, (result) => evaluation.noObjectScored(report, result));
}

function whatToMeasure(measures: Measures | null): { clicks: boolean; recall: boolean } {
  if (measures === null) return { clicks: true, recall: true };
  const { interactive, recall, boundary, partition } = measures;
  if ((interactive || recall) && !boundary && !partition) return { clicks: interactive, recall };
  throw new UnSAMError(
    "E_BAD_OPTION",
    "--protocol unsamv2 measures interactive (NoC, 1-IoU) and recall (AR1000); give one of them or both to --metrics, or leave it out.",
  );
}

/** A line per data set and method, and the means over the sets where there are several. */
function describe(
  { run, datasets, results, means }: ObjectsReport,
  out: string | undefined,
  columns: readonly string[],
  cells: (result: ObjectsReport["results"][number] | ObjectsReport["means"][number]) => string[],
): string {
  const rows = results.map((one) => [
    ...[one.dataset, one.method, `${one.images}`, `${one.objects}`],
    ...cells(one),
  ]);
  if (datasets.length > 1) rows.push(...means.map((one) => ["mean", one.method, "", "", ...cells(one)]));
  const where = out ? `wrote ${path.join(out, "report.md")}` : "give --out DIR for each click";
  const half = run.half === "all" ? "" : `; ${run.half} half`;
  const title = `clicks until an object is reached, the best of ${run.levels.length} granularities for each${half}`;
  return `${title}\n${tableText(["data set", "method", "images", "objects", ...columns], rows)}${where}\n`;
}
