import { UnSAMError } from "@unsam/core/errors";
import type {
  Granularity,
  PointInput,
  RenderStyle,
  TrackedFrame,
  TrackFormat,
  VideoObject,
} from "@unsam/sdk";
import { Command, InvalidArgumentError } from "commander";
import { GRANULARITIES, granularity, wholeNumber } from "../arguments.js";
import { suggest } from "../completion/suggestions.js";
import { withExamples } from "../help/examples.js";
import { loadModel, type ModelOptions } from "../load-model.js";
import { withClickOptions, withModelOptions } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";
import {
  type FrameReport,
  filesOf,
  type OutputFlags,
  type Outputs,
  planOutputs,
  writeOutputs,
} from "../track/outputs.js";

type Direction = "forward" | "backward" | "both";
const DIRECTIONS: readonly Direction[] = ["forward", "backward", "both"];
const STYLES: readonly RenderStyle[] = ["overlay", "cutout"];
/** All of the SDK's, which is not loaded to list them. */
const FORMATS = Object.keys({
  tracks: true,
  "youtube-vis": true,
  "coco-vid": true,
  mots: true,
  davis: true,
  "sa-v": true,
} satisfies Record<TrackFormat, true>) as TrackFormat[];

interface TrackFlags extends ModelOptions, OutputFlags {
  readonly point?: PointInput[];
  readonly box?: [number, number, number, number];
  readonly frame?: number;
  readonly granularity?: Granularity;
  readonly direction?: Direction;
  readonly maxPixels?: number;
  readonly json?: true;
}

export function trackCommand({ signal }: Interrupt): Command {
  const command = withClickOptions(withModelOptions(new Command("track")))
    .description("Follow an object through the frames of a video, from a click or a box on one of them.")
    .argument(
      "<video>",
      "MP4, MOV, WebM, MKV or AVI (needs ffmpeg), an animated GIF or WebP, or a folder of frames, in the order of the numbers in their names",
    )
    .option("--frame <n>", "the frame that is prompted, counted from 0 (default 0)", wholeNumber)
    .option("--granularity <g>", "0 (part) to 1 (whole), fine, medium or coarse", granularity)
    .option("--direction <way>", "forward, backward or both (default) from that frame", oneOf(DIRECTIONS))
    .option(
      "--out <file|dir>",
      "draw a video (.mp4 or .webm, needs ffmpeg; .gif or .webp), write tracks (.json or .txt), or a folder of masks and tracks.json",
    )
    .option("--masks <dir>", "write the mask of each frame, 00000.png and so on")
    .option("--format <name>", `write tracks to --out as ${FORMATS.join(", ")}`, oneOf(FORMATS))
    .option(
      "--style <name>",
      "of a drawn video: overlay (default), or cutout with a transparent ground",
      oneOf(STYLES),
    )
    .option("--json", "print one JSON document to standard output");
  suggest(
    command,
    "--granularity",
    GRANULARITIES.filter((name) => name !== "auto"),
  );
  suggest(command, "--direction", DIRECTIONS);
  suggest(command, "--format", FORMATS);
  suggest(command, "--style", STYLES);
  command.action((video: string, flags: TrackFlags) => track(video, flags, signal));
  return withExamples(command, [
    [
      "unsam track clip.mp4 --model unsamv2 --point 412,300 --frame 0 --granularity 0.3 --out wheel.mp4",
      "a click on the first frame, drawn as a video",
    ],
    [
      "unsam track frames --model unsamv2 --point 412,300 --granularity 0.3 --out wheel",
      "a folder of frames, and a folder of masks",
    ],
    [
      "unsam track clip.webm --model sam2.1-small --box 10,10,200,180 --frame 40 --out wheel.json --format youtube-vis",
      "a box on frame 40, followed both ways",
    ],
  ]);
}

function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((one) => one === text);
    if (found) return found;
    throw new InvalidArgumentError(`Give ${words.join(", ")}.`);
  };
}

async function track(given: string, flags: TrackFlags, signal: AbortSignal): Promise<void> {
  const { json, maxPixels, frame = 0, direction: way = "both" } = flags;
  if (!flags.point && !flags.box) {
    throw new UnSAMError("E_BAD_PROMPT", "There is no prompt; give --point X,Y or --box X0,Y0,X1,Y1.");
  }
  const outputs = await planOutputs(given, flags);
  await using unsam = await loadModel(flags, signal);
  await using video = await unsam.openVideo(given, { maxPixels, signal });
  const object = video.object({ granularity: flags.granularity });
  await withProgress(`Encoding frame ${frame}`, () =>
    object.prompt(frame, { points: flags.point, box: flags.box }, { signal }),
  );
  const reports = new Map<number, FrameReport>();
  await withProgress("Tracking", async (change) => {
    for (const one of way === "both" ? (["forward", "backward"] as const) : [way]) {
      for await (const tracked of video.track({ from: frame, direction: one, signal })) {
        if (reports.has(tracked.frame)) continue;
        reports.set(tracked.frame, reportOf(tracked, object));
        change(`Tracking: ${reports.size} of ${video.length} frames`);
      }
    }
  });
  const frames = [...reports.values()].sort((a, b) => a.frame - b.frame);
  const { width, height, length } = video;
  const { name, family } = unsam.model;
  // Its schema is docs/schemas/track.schema.json.
  const document = {
    video: given,
    ...{ width, height, length },
    model: { name, family },
    prompted: frame,
    granularity: object.granularity,
    frames,
    files: filesOf(outputs, frames),
  };
  await withProgress("Writing", (change) =>
    writeOutputs(outputs, { video, document, signal, onProgress: (text) => change(text) }),
  );
  printResult(
    json,
    () => document,
    () => describe(frames, given, outputs),
  );
}

function reportOf({ frame, time, objects }: TrackedFrame, object: VideoObject): FrameReport {
  const { mask, score, objectScore, isPresent } = objects.get(object)!;
  return { frame, time, isPresent, score, objectScore, area: mask.area, rle: mask.toRLE() };
}

function describe(frames: readonly FrameReport[], given: string, { out, masks }: Outputs): string {
  const absent = frames.filter(({ isPresent }) => !isPresent).length;
  const seen = `${given}: followed through ${frames.length} frames, absent in ${absent}`;
  const written = [out?.path, masks].filter((one) => one !== undefined);
  return `${seen}\n${written.length === 0 ? "give --out to see it" : `wrote ${[...new Set(written)].join(", ")}`}\n`;
}
