import { UnSAMError } from "../errors.js";
import { shown, writeWholeThrough } from "../files/index.js";
import { Child } from "./child.js";
import { type FFmpeg, requireFFmpeg } from "./find-ffmpeg.js";
import { everyFrameOnce } from "./probe.js";
import { matroskaFrameHead, matroskaHead } from "./raw-matroska.js";

export interface VideoToWrite {
  readonly width: number;
  readonly height: number;
  /** 3 RGB; 4 RGB and alpha, in a WebM. */
  readonly channels: 3 | 4;
  readonly container: "mp4" | "webm";
}

export interface FrameToWrite {
  /** [height, width, channels] */
  readonly data: Uint8Array;
  /** When it begins; from 0 on, rising. */
  readonly seconds: number;
}

/**
 * Writes a video file, whole or not at all: H.264 in MP4 (MPEG-4 where this ffmpeg has no H.264), VP9 in WebM. Frames keep their times.
 * One frame is held at a time. Throws `E_UNSUPPORTED` without ffmpeg, `E_IO`, the signal's reason, and what `frames` throws.
 */
export async function writeVideo(
  file: string,
  video: VideoToWrite,
  frames: AsyncIterable<FrameToWrite>,
  signal?: AbortSignal,
): Promise<void> {
  const tools = await requireFFmpeg(
    `The video ${shown(file)} is written`,
    "give the name of a GIF, a WebP or a folder",
  );
  const encoding = await encodingArguments(tools, video, signal);
  await writeWholeThrough(file, async (temporary) => {
    const child = new Child(
      tools.ffmpeg,
      [
        ...["-hide_banner", "-nostdin", "-nostats", "-loglevel", "repeat+level+error", "-xerror"],
        ...["-protocol_whitelist", "pipe", "-f", "matroska", "-i", "pipe:0"],
        ...encoding,
        ...["-f", video.container, "-y", `file:${temporary}`],
      ],
      { writes: true },
    );
    child.stdout.resume();
    try {
      await child.waited(feed(child, video, frames), signal);
      await child.waited(child.closed, signal);
    } catch (cause) {
      child.kill();
      // Its file can be removed only then on some systems.
      await child.closed;
      throw cause;
    }
    child.checkStarted();
    if (child.succeeded) return;
    throw new UnSAMError("E_IO", `${shown(file)} could not be written by ffmpeg: ${child.problem}.`);
  });
}

async function feed(
  child: Child,
  { width, height, channels }: VideoToWrite,
  frames: AsyncIterable<FrameToWrite>,
): Promise<void> {
  await write(child, matroskaHead(width, height, channels));
  for await (const { data, seconds } of frames) {
    await write(child, matroskaFrameHead(seconds, data.length));
    await write(child, data);
    // Its own end tells why.
    if (child.isClosed) return;
  }
  child.stdin!.end();
}

/** Resolves when the bytes were taken; also when the program has ended, for then its pipe is broken. */
function write(child: Child, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    child.stdin!.write(bytes, () => resolve());
  });
}

async function encodingArguments(
  tools: FFmpeg,
  { channels, container }: VideoToWrite,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const version = /version (\S+)/.exec(await textOf(tools, "-version", signal))?.[1] ?? "";
  const encoders = await textOf(tools, "-encoders", signal);
  const has = (name: string) => new RegExp(`^ V\\S* ${name} `, "m").test(encoders);
  const times = everyFrameOnce(version);
  const colours = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv".split(" ");
  const convert = "scale=out_color_matrix=bt709:out_range=tv";
  if (container === "webm") {
    if (!has("libvpx-vp9")) throw without("libvpx-vp9", "WebM");
    return [
      ...times,
      ...["-enc_time_base", "1:1000", "-vf", `${convert},format=${channels === 4 ? "yuva420p" : "yuv420p"}`],
      ...colours,
      ..."-c:v libvpx-vp9 -crf 24 -b:v 0 -auto-alt-ref 0 -deadline good -cpu-used 4 -row-mt 1".split(" "),
    ];
  }
  const codec = ["libx264", "libopenh264", "mpeg4"].find(has);
  if (codec === undefined) throw without("libx264", "MP4");
  const quality = { libx264: "-crf 18 -preset medium", libopenh264: "-b:v 8M", mpeg4: "-q:v 3" }[codec]!;
  return [
    ...times,
    // MPEG-4 counts time in 16 bits. Both have planes of half the size: an odd side gets one more row or column.
    ...["-enc_time_base", codec === "mpeg4" ? "1:10000" : "1:90000"],
    ...["-vf", `pad=ceil(iw/2)*2:ceil(ih/2)*2,${convert},format=yuv420p`, ...colours],
    ...["-c:v", codec, ...quality.split(" "), "-movflags", "+faststart"],
  ];
}

function without(encoder: string, format: string): UnSAMError {
  return new UnSAMError(
    "E_UNSUPPORTED",
    `The ffmpeg of this machine was built without ${encoder}, so it writes no ${format}; install another one.`,
  );
}

async function textOf(tools: FFmpeg, what: string, signal: AbortSignal | undefined): Promise<string> {
  const child = new Child(tools.ffmpeg, ["-hide_banner", "-loglevel", "repeat+level+error", what]);
  let text = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (piece: string) => {
    text = (text + piece).slice(0, 2 ** 20);
  });
  await child.waited(child.closed, signal);
  child.checkStarted();
  return text;
}
