import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { makeFolder, writeWhole } from "@unsam/core/files";
import type { Granularity, PointInput, TrackedFrame, UnSAM, Video, VideoObject } from "@unsam/sdk";
import { Command, InvalidArgumentError } from "commander";
import { GRANULARITIES, granularity, wholeNumber } from "../arguments.js";
import { suggest } from "../completion/suggestions.js";
import { withExamples } from "../help/examples.js";
import { loadModel, type ModelOptions } from "../load-model.js";
import { withClickOptions, withModelOptions } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

type Direction = "forward" | "backward" | "both";
const DIRECTIONS: readonly Direction[] = ["forward", "backward", "both"];

interface TrackFlags extends ModelOptions {
  readonly point?: PointInput[];
  readonly box?: [number, number, number, number];
  readonly frame?: number;
  readonly granularity?: Granularity;
  readonly direction?: Direction;
  readonly maxPixels?: number;
  readonly out?: string;
  readonly json?: true;
}

export function trackCommand({ signal }: Interrupt): Command {
  const command = withClickOptions(withModelOptions(new Command("track")))
    .description("Follow an object through the frames of a video, from a click or a box on one of them.")
    .argument(
      "<frames>",
      "a folder of frames, in the order of the numbers in their names, or an animated GIF or WebP",
    )
    .option("--frame <n>", "the frame that is prompted, counted from 0 (default 0)", wholeNumber)
    .option("--granularity <g>", "0 (part) to 1 (whole), fine, medium or coarse", granularity)
    .option("--direction <way>", "forward, backward or both (default) from that frame", direction)
    .option("--out <dir>", "write the mask of each frame, 00000.png and so on, and tracks.json")
    .option("--json", "print one JSON document to standard output");
  suggest(
    command,
    "--granularity",
    GRANULARITIES.filter((name) => name !== "auto"),
  );
  suggest(command, "--direction", DIRECTIONS);
  command.action((frames: string, flags: TrackFlags) => track(frames, flags, signal));
  return withExamples(command, [
    [
      "unsam track frames --model unsamv2 --point 412,300 --granularity 0.3 --out wheel",
      "a click on the first frame",
    ],
    [
      "unsam track frames --model sam2.1-small --box 10,10,200,180 --frame 40 --json",
      "a box on frame 40, followed both ways, for programs",
    ],
  ]);
}

function direction(text: string): Direction {
  const found = DIRECTIONS.find((one) => one === text);
  if (found) return found;
  throw new InvalidArgumentError(`Give ${DIRECTIONS.join(", ")}.`);
}

/** An object on one frame, in the document of `--json`. */
interface FrameReport {
  readonly frame: number;
  readonly isPresent: boolean;
  readonly score: number;
  readonly objectScore: number;
  readonly area: number;
  readonly rle: unknown;
}

async function track(given: string, flags: TrackFlags, signal: AbortSignal): Promise<void> {
  const { out, json, maxPixels, frame = 0, direction: way = "both" } = flags;
  if (!flags.point && !flags.box) {
    throw new UnSAMError("E_BAD_PROMPT", "There is no prompt; give --point X,Y or --box X0,Y0,X1,Y1.");
  }
  await using unsam = await loadModel(flags, signal);
  await using video = await unsam.openVideo(given, { maxPixels, signal });
  const object = video.object({ granularity: flags.granularity });
  await withProgress(`Looking at frame ${frame}`, () =>
    object.prompt(frame, { points: flags.point, box: flags.box }, { signal }),
  );
  const reports = new Map<number, FrameReport>();
  await withProgress("Tracking", async (change) => {
    for (const one of way === "both" ? (["forward", "backward"] as const) : [way]) {
      for await (const tracked of video.track({ from: frame, direction: one, signal })) {
        if (reports.has(tracked.frame)) continue;
        reports.set(tracked.frame, await keep(tracked, object, out));
        change(`Tracking: ${reports.size} of ${video.length} frames`);
      }
    }
  });
  const frames = [...reports.values()].sort((a, b) => a.frame - b.frame);
  const document = report({ given, frame, frames, out, object, unsam, video });
  if (out !== undefined) await writeWhole(path.join(out, "tracks.json"), `${JSON.stringify(document)}\n`);
  printResult(
    json,
    () => document,
    () => describe(frames, given, out),
  );
}

async function keep(
  { frame, objects }: TrackedFrame,
  object: VideoObject,
  out: string | undefined,
): Promise<FrameReport> {
  const { mask, score, objectScore, isPresent } = objects.get(object)!;
  if (out !== undefined) {
    await makeFolder(out);
    await writeWhole(path.join(out, maskName(frame)), await mask.toPNG());
  }
  return { frame, isPresent, score, objectScore, area: mask.area, rle: mask.toRLE() };
}

function maskName(frame: number): string {
  return `${String(frame).padStart(5, "0")}.png`;
}

/** The document of `--json`; its schema is docs/schemas/track.schema.json. */
function report({
  given,
  frame,
  frames,
  out,
  object,
  unsam,
  video,
}: {
  readonly given: string;
  readonly frame: number;
  readonly frames: readonly FrameReport[];
  readonly out: string | undefined;
  readonly object: VideoObject;
  readonly unsam: UnSAM;
  readonly video: Video;
}) {
  const { width, height, length } = video;
  const { name, family } = unsam.model;
  return {
    video: given,
    width,
    height,
    length,
    model: { name, family },
    prompted: frame,
    granularity: object.granularity,
    frames,
    files: { masks: out === undefined ? null : frames.map((one) => path.join(out, maskName(one.frame))) },
  };
}

function describe(frames: readonly FrameReport[], given: string, out: string | undefined): string {
  const absent = frames.filter(({ isPresent }) => !isPresent).length;
  const seen = `${given}: followed through ${frames.length} frames, absent in ${absent}`;
  return `${seen}\n${out === undefined ? "give --out DIR to see it" : `wrote ${out}`}\n`;
}
