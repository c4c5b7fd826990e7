import type { AnnotatedClip, ClipLayout } from "../datasets/clips/open-clips.js";
import type { SequenceStatistics } from "../metrics/sequence-statistics.js";
import { followedFrames, type ObjectScores } from "../tracking/evaluate-clips.js";
import type { VideosResult } from "../tracking/evaluate-videos.js";
import { csvText } from "./csv.js";
import { type Machine, thisMachine } from "./machine.js";
import { ranText, tableLines } from "./markdown-parts.js";

/** The JSON document of a run on videos; its schema is docs/schemas/eval-videos.schema.json. */
export interface VideosReport {
  readonly schema: "unsam-eval-videos/1";
  /** All that is needed to do it again. */
  readonly run: {
    readonly command: string;
    readonly date: string;
    readonly versions: { readonly unsam: string; readonly node: string };
    readonly machine: Machine;
  };
  readonly data: {
    /** Path, as it was given. */
    readonly folder: string;
    readonly layout: ClipLayout;
    /** List of the data set that was taken; null: all videos. */
    readonly split: string | null;
    /** At most so many videos; null: all. */
    readonly limit: number | null;
    readonly videos: number;
    /** Frames that are followed. */
    readonly frames: number;
  };
  readonly results: readonly VideosResultReport[];
}

export interface VideosResultReport extends Omit<VideosResult, "scores" | "clips"> {
  readonly videos: number;
  /** null where no object was scored. */
  readonly JandF: number | null;
  readonly J: SequenceStatistics | null;
  readonly F: SequenceStatistics | null;
  readonly objects: readonly ObjectScores[];
}

export interface VideosRunDetails {
  /** As typed. */
  readonly command: string;
  /** Of the program that ran it. */
  readonly version: string;
  readonly date: Date;
  readonly folder: string;
  readonly split: string | null;
  readonly limit: number | null;
}

export function makeVideosReport(
  clips: readonly AnnotatedClip[],
  results: readonly VideosResult[],
  details: VideosRunDetails,
): VideosReport {
  const { command, version, date, folder, split, limit } = details;
  return {
    schema: "unsam-eval-videos/1",
    run: {
      command,
      date: date.toISOString(),
      versions: { unsam: version, node: process.version },
      machine: thisMachine(),
    },
    data: {
      folder,
      layout: clips[0].layout,
      split,
      limit,
      videos: clips.length,
      frames: clips.reduce((sum, clip) => sum + followedFrames(clip), 0),
    },
    results: results.map(({ scores, clips: videos, ...result }) => ({
      ...result,
      videos,
      ...(scores ?? NOTHING),
    })),
  };
}

/** Of the tables that DAVIS's own evaluation writes. */
const GLOBAL_COLUMNS = ["J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay"];
const PART_COLUMNS = ["Sequence", "J-Mean", "F-Mean"];

const NOTHING = { JandF: null, J: null, F: null, objects: [] } as const;

/**
 * The files of `--out`, by name: the report as JSON and Markdown, and for each model the two tables that DAVIS's own evaluation
 * writes, in its columns.
 */
export function videosReportFiles(report: VideosReport): Map<string, Uint8Array> {
  const text = new TextEncoder();
  const files = new Map([
    ["report.json", text.encode(`${JSON.stringify(report, null, 2)}\n`)],
    ["report.md", text.encode(markdown(report))],
  ]);
  for (const [i, result] of report.results.entries()) {
    if (result.JandF === null) continue;
    const name = fileName(result.model, i, report.results);
    const parts = result.objects.map(({ clip, object, J, F }) => [
      `${clip}_${object}`,
      ...three([J.mean, F.mean]),
    ]);
    files.set(`global_results-${name}.csv`, text.encode(csvText(GLOBAL_COLUMNS, [videoCells(result)])));
    files.set(`per-sequence_results-${name}.csv`, text.encode(csvText(PART_COLUMNS, parts)));
  }
  return files;
}

/** Without the folders of a checkpoint; numbered where two are called the same. */
function fileName(model: string, place: number, all: readonly { readonly model: string }[]): string {
  const short = (name: string) => (name.split(/[\\/]/).pop() ?? name).replace(/[^\w.-]+/g, "_");
  const own = short(model);
  return all.filter((other) => short(other.model) === own).length > 1 ? `${own}-${place + 1}` : own;
}

/** Columns of the table over all objects, and their cells. */
export const VIDEO_COLUMNS = ["J&F", "J", "J recall", "J decay", "F", "F recall", "F decay"];

export function videoCells({ JandF, J, F }: VideosResultReport): string[] {
  if (JandF === null || J === null || F === null) return VIDEO_COLUMNS.map(() => "–");
  return three([JandF, J.mean, J.recall, J.decay, F.mean, F.recall, F.decay]);
}

function three(values: readonly number[]): string[] {
  return values.map((value) => value.toFixed(3));
}

function markdown({ run, data, results }: VideosReport): string {
  const lines = ["# Objects followed through videos", "", "```", run.command, "```", ""];
  lines.push(
    ...tableLines(
      ["model", "videos", "objects", ...VIDEO_COLUMNS, "seconds"],
      results.map((result) => [
        result.model,
        `${result.videos}`,
        `${result.objects.length}`,
        ...videoCells(result),
        result.seconds.toFixed(0),
      ]),
    ),
    "",
    "Means over objects, as DAVIS defines them: each object is given by its first mask, and scored on its annotated frames but for the first and the last.",
    "",
  );
  for (const { model, objects, notScored, failures } of results) {
    const rows = objects.map(({ clip, object, frames, J, F }) => [
      ...[clip, object, `${frames}`],
      ...three([(J.mean + F.mean) / 2, J.mean, F.mean]),
    ]);
    lines.push(`## ${model}`, "", ...tableLines(["video", "object", "frames", "J&F", "J", "F"], rows), "");
    for (const { clip, object } of notScored) {
      lines.push(`- ${clip}, object ${object}: annotated on fewer than three frames, so not scored`);
    }
    for (const { clip, error } of failures) lines.push(`- ${clip} failed: ${error}`);
    lines.push("");
  }
  const { split, limit, videos, frames, layout, folder } = data;
  lines.push(
    "## To repeat it",
    "",
    `${folder}, layout of ${layout === "davis" ? "DAVIS" : "SA-V"}, ${split === null ? "all videos" : `the list ${split}`}${limit === null ? "" : `, at most ${limit} of them`}: ${videos} videos, ${frames} frames. ${ranText(run)}.`,
    "",
  );
  return lines.join("\n");
}
