import { UnSAMError } from "../errors.js";
import { parseJson, shown } from "../files/index.js";
import { checkPixels } from "../limits/index.js";
import { Child, readLines } from "./child.js";
import type { Container } from "./containers.js";
import type { FFmpeg } from "./find-ffmpeg.js";

/** What ffprobe tells of one file is shorter than this. */
const MOST_TEXT = 4 * 2 ** 20;

/** A video file and the programs that read it. */
export interface OpenedFile {
  readonly file: string;
  readonly container: Container;
  readonly tools: FFmpeg;
  readonly maxPixels: number;
}

/** What the header of a video file says. It is checked against what is decoded, and believed in nothing else. */
export interface Probed {
  /** Index of the video stream. */
  readonly stream: number;
  /** Seconds at which the file begins, by its own clock. */
  readonly start: number;
  /** How this ffmpeg is told to give each frame once, as it is in the file. */
  readonly everyFrameOnce: readonly string[];
}

/** Arguments for a file whose reader is known. Nothing but local files is opened, and of these none but this one. */
export function inputArguments({ file, container, maxPixels }: OpenedFile): string[] {
  // Decoders pad frames to whole blocks; the exact limit was checked before.
  const most = Math.min(2 ** 31 - 1, Math.ceil(1.25 * maxPixels) + 2 ** 20);
  return [
    ...["-protocol_whitelist", "file,pipe", "-format_whitelist", container.demuxer],
    ...["-max_pixels", String(most), "-f", container.demuxer],
    ...["-i", `file:${file}`],
  ];
}

/** Reads the header. Throws `E_BAD_IMAGE` where there is no video in the file, or frames are larger than `maxPixels`. */
export async function probe(opened: OpenedFile, signal: AbortSignal | undefined): Promise<Probed> {
  const { file, tools, maxPixels } = opened;
  const name = `The video ${shown(file)}`;
  const entries = "stream=index,codec_type,codec_name,width,height:stream_disposition=attached_pic";
  const child = new Child(tools.ffprobe, [
    ...["-hide_banner", "-loglevel", "repeat+level+error", "-show_program_version"],
    ...["-show_entries", `${entries}:format=start_time`, "-of", "json"],
    ...inputArguments(opened),
  ]);
  let text = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (piece: string) => {
    text += piece;
    if (text.length > MOST_TEXT) child.kill();
  });
  await child.waited(child.closed, signal);
  child.checkStarted();
  if (!child.succeeded) {
    throw new UnSAMError("E_BAD_IMAGE", `${name} cannot be read: ${child.problem}.`);
  }
  const told = parseJson(text, `What ffprobe says of ${shown(file)}`, "E_RUNTIME") as ProbeText;
  const stream = told.streams?.find(
    (one) => one.codec_type === "video" && one.disposition?.attached_pic !== 1,
  );
  if (!stream) throw new UnSAMError("E_BAD_IMAGE", `${name} holds no video, only sound or other data.`);
  const { index, width = 0, height = 0 } = stream;
  if (!(width > 0 && height > 0)) {
    throw new UnSAMError("E_BAD_IMAGE", `${name} does not say how large its frames are; it is broken.`);
  }
  const size = { width, height };
  checkPixels(
    `A frame of the video ${shown(file)}`,
    size,
    maxPixels,
    "E_BAD_IMAGE",
    "make it smaller, or raise maxPixels",
  );
  const start = Number(told.format?.start_time ?? 0);
  return {
    stream: index,
    start: Number.isFinite(start) ? start : 0,
    everyFrameOnce: everyFrameOnce(told.program_version?.version ?? ""),
  };
}

interface ProbeText {
  readonly program_version?: { readonly version?: string };
  readonly format?: { readonly start_time?: string };
  readonly streams?: readonly {
    readonly index: number;
    readonly codec_type?: string;
    readonly width?: number;
    readonly height?: number;
    readonly disposition?: { readonly attached_pic?: number };
  }[];
}

/** How an ffmpeg of a version is told to give each frame once, with its time: 5.1 gave the option another name. */
export function everyFrameOnce(version: string): string[] {
  const [, major, minor] = /^n?(\d+)\.(\d+)/.exec(version) ?? [];
  const isOld = major !== undefined && (Number(major) < 5 || (Number(major) === 5 && Number(minor) < 1));
  return [isOld ? "-vsync" : "-fps_mode", "passthrough"];
}

/**
 * How many frames the file holds: its packets are counted, nothing is decoded. It is no header's word, but a few kinds of
 * video have packets that are not shown.
 */
export async function countFrames(
  opened: OpenedFile,
  { stream }: Probed,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  const child = new Child(opened.tools.ffprobe, [
    ...["-hide_banner", "-loglevel", "repeat+level+error", "-select_streams", String(stream)],
    ...["-show_entries", "packet=flags", "-of", "csv=print_section=0"],
    ...inputArguments(opened),
  ]);
  let frames = 0;
  readLines(child.stdout, (flags) => {
    // D: decoded, not shown, as an edit list says.
    if (!flags.includes("D")) frames++;
  });
  await child.waited(child.closed, signal);
  return child.succeeded && frames > 0 ? frames : null;
}
