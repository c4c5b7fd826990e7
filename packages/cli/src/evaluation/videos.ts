import path from "node:path";
import type { ModelSpec, VideosReport, VideosResult } from "@unsam/evaluation";
import { EXIT_FAILED } from "../failure.js";
import { oneFolderOf } from "../images/patterns.js";
import { printResult, tell } from "../terminal/output.js";
import { tableText } from "../terminal/table.js";
import { version } from "../version.js";
import { writeFolder } from "../write-folder.js";
import { withBatches } from "./tell.js";

/** What `unsam eval --protocol davis` was told. */
export interface VideosFlags {
  readonly data: string;
  readonly split?: string;
  readonly limit?: number;
  readonly maxPixels?: number;
  readonly out?: string;
  readonly json?: true;
}

/** Has models follow the objects of annotated videos, and tells J, F and J&F. `command`: as typed. */
export async function evalVideos(
  flags: VideosFlags,
  models: readonly ModelSpec[],
  command: string,
  signal: AbortSignal,
): Promise<void> {
  const { split, limit, maxPixels, out } = flags;
  const data = await oneFolderOf(flags.data, signal);
  const evaluation = await import("@unsam/evaluation");
  const all = await evaluation.openClips(data, { split, signal });
  const clips = evaluation.spreadOver(all, limit ?? null);
  const results = await withBatches("frames", (onReached) =>
    evaluation.evaluateVideos(clips, models, {
      maxPixels,
      onProgress: ({ model, clip, done, total }) => onReached({ name: `${model} on ${clip}`, done, total }),
      signal,
    }),
  );
  const details = { command, version, date: new Date(), folder: data, split: split ?? null };
  const report = evaluation.makeVideosReport(clips, results, { ...details, limit: limit ?? null });
  if (out) await writeFolder(out, evaluation.videosReportFiles(report));
  for (const { model, failures, notScored } of report.results) {
    for (const { clip, error } of failures) tell(`${model}: ${clip}: ${error}`);
    if (notScored.length > 0) tell(`${model}: ${notScoredText(notScored)}`);
  }
  const table = describe(report, out, evaluation.VIDEO_COLUMNS, evaluation.videoCells);
  printResult(
    flags.json,
    () => report,
    () => table,
  );
  const nothing = report.results.find(({ JandF, failures }) => JandF === null && failures.length === 0);
  if (nothing) {
    tell(
      `unsam: ${data} has nothing to score: no object of it is annotated on three frames or more, as in a set whose annotations are held back.`,
    );
  }
  if (report.results.some(({ JandF, failures }) => JandF === null || failures.length > 0)) {
    process.exitCode = EXIT_FAILED;
  }
}

function notScoredText(objects: VideosResult["notScored"]): string {
  const [{ clip, object }] = objects;
  const which = objects.length === 1 ? "1 object is" : `${objects.length} objects are`;
  return `${which} not scored, annotated on fewer than three frames (the first: ${object} of ${clip})`;
}

/** A line per model. */
function describe(
  { data, results }: VideosReport,
  out: string | undefined,
  columns: readonly string[],
  cells: (result: VideosReport["results"][number]) => string[],
): string {
  const rows = results.map((result) => [
    result.model,
    `${result.videos}`,
    `${result.objects.length}`,
    ...cells(result),
  ]);
  const where = out ? `wrote ${path.join(out, "report.md")}` : "give --out DIR for each video and object";
  const title = `means over objects, as DAVIS defines them; ${data.frames} frames`;
  return `${title}\n${tableText(["model", "videos", "objects", ...columns], rows)}${where}\n`;
}
