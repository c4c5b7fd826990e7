import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { shown, writeWhole, writeWholeFolder } from "@unsam/core/files";
import { type RgbImage, toPNG } from "@unsam/core/image";
import { OVERLAY_COLORS, overlayPixels } from "@unsam/core/mask";
import { abortable } from "@unsam/core/runtime";
import { type FrameToWrite, writeVideo } from "@unsam/core/video-files";
import sharp from "sharp";
import type { OnProgress } from "./save-tracks.js";
import { type FrameSize, maskOf, type Tracks } from "./track-record.js";

/** Masks drawn on the frames, or the objects alone on a transparent ground. */
export type RenderStyle = "overlay" | "cutout";

export interface RenderJob {
  readonly tracks: Tracks;
  readonly size: FrameSize;
  readonly style: RenderStyle;
  readonly opacity: number | undefined;
  /** Frames a second where frames have no times. */
  readonly fps: number;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress | undefined;
  /** Works with a frame while it is in flight. */
  withFrame<Result>(frame: number, work: (image: RgbImage) => Promise<Result>): Promise<Result>;
}

/** Pixels of all frames of a GIF or WebP together: sharp takes them at once. */
const MOST_ANIMATED_PIXELS = 100_000_000;

export async function renderTracks(file: string, job: RenderJob): Promise<void> {
  const { style, size } = job;
  const end = path.extname(file).toLowerCase();
  const frames = framesOf(job);
  const channels = style === "cutout" ? 4 : 3;
  if (end === ".mp4" || end === ".webm") {
    if (end === ".mp4" && channels === 4) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        "An MP4 has no transparency; render a cutout to .webm, .webp, .gif or a folder.",
      );
    }
    const video = { ...size, channels, container: end === ".mp4" ? "mp4" : "webm" } as const;
    return writeVideo(file, video, painted(frames, job), job.signal);
  }
  if (end === ".gif" || end === ".webp") return writeAnimation(file, end, frames, channels, job);
  if (end !== "") {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `Videos are not rendered as ${shown(end)}; end the name with .mp4, .webm, .gif or .webp, or name a folder.`,
    );
  }
  await writeWholeFolder(file, async (folder) => {
    let number = frames[0];
    for await (const { data } of painted(frames, job)) {
      const png = await toPNG(sharp(data, { raw: { ...size, channels }, limitInputPixels: false }));
      await writeWhole(path.join(folder, `${String(number++).padStart(5, "0")}.png`), png);
    }
  });
}

/** Throws `E_BAD_OPTION` where a frame in between was not tracked. */
function framesOf({ tracks, from, to }: RenderJob): number[] {
  const [first, last] = [from ?? tracks.frames[0], to ?? tracks.frames.at(-1)!];
  const known = new Set(tracks.frames);
  const frames: number[] = [];
  for (let frame = first; frame <= last; frame++) {
    if (!known.has(frame)) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `video.render: frame ${frame} was not tracked; track it, or give other frames as from and to.`,
      );
    }
    frames.push(frame);
  }
  if (frames.length > 0) return frames;
  throw new UnSAMError("E_BAD_OPTION", `video.render: there are no frames from ${first} to ${last}.`);
}

/** Frames one after the other, with their times from 0 on. */
async function* painted(frames: readonly number[], job: RenderJob): AsyncGenerator<FrameToWrite> {
  const seconds = timesOf(frames, job);
  for (const [i, frame] of frames.entries()) {
    job.signal.throwIfAborted();
    const data = await job.withFrame(frame, (image) => paint(frame, image, job));
    yield { data, seconds: seconds(i) };
    job.onProgress?.({ done: i + 1, total: frames.length });
  }
}

/** Seconds of the i-th frame, from 0 on. Where times are missing or go back, frames are as far apart as `fps` says. */
function timesOf(frames: readonly number[], { tracks, fps }: RenderJob): (i: number) => number {
  const times = frames.map((frame) => tracks.times.get(frame) ?? Number.NaN);
  const rise = times.every((time, i) => (i === 0 ? Number.isFinite(time) : time > times[i - 1]));
  return (i) => (rise ? times[i] - times[0] : i / fps);
}

async function paint(frame: number, image: RgbImage, job: RenderJob): Promise<Uint8Array> {
  const { tracks, size, style, opacity, signal } = job;
  const layers = tracks.objects.flatMap(({ id, frames }) => {
    const found = frames.get(frame);
    const color = OVERLAY_COLORS[(id - 1) % OVERLAY_COLORS.length];
    return found && found.area > 0 ? [{ mask: maskOf(found, size), color }] : [];
  });
  if (style === "overlay") {
    return overlayPixels(image, layers, { signal, ...(opacity === undefined ? {} : { opacity }) });
  }
  const alpha = new Uint8Array(size.width * size.height);
  for (const { mask } of layers) {
    const own = mask.toBytes(255);
    for (let i = 0; i < own.length; i++) alpha[i] |= own[i];
  }
  const raw = (channels: 1 | 3) => ({ raw: { ...size, channels }, limitInputPixels: false as const });
  const picture = sharp(image.data, raw(3)).joinChannel(Buffer.from(alpha.buffer), {
    raw: { ...size, channels: 1 },
  });
  return abortable(picture.raw().toBuffer(), signal);
}

async function writeAnimation(
  file: string,
  end: ".gif" | ".webp",
  frames: readonly number[],
  channels: 3 | 4,
  job: RenderJob,
): Promise<void> {
  const { width, height } = job.size;
  if (frames.length * width * height > MOST_ANIMATED_PIXELS) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${frames.length} frames of ${width} × ${height} pixels are too many for a GIF or WebP, which is made in memory; render fewer, or an .mp4 or .webm.`,
    );
  }
  const all = new Uint8Array(frames.length * width * height * channels);
  const times: number[] = [];
  for await (const { data, seconds } of painted(frames, job)) {
    all.set(data, times.length * data.length);
    times.push(seconds);
  }
  const delay = times.map((time, i) => {
    const until = times[i + 1] ?? time + (i > 0 ? time - times[i - 1] : 1 / job.fps);
    return Math.max(10, Math.round(1000 * (until - time)));
  });
  const raw = { width, height: height * frames.length, channels, pageHeight: height };
  const picture = sharp(all, { raw, limitInputPixels: false });
  const encoded =
    end === ".gif" ? picture.gif({ delay, loop: 0 }) : picture.webp({ delay, loop: 0, quality: 85 });
  await writeWhole(file, await abortable(encoded.toBuffer(), job.signal));
}
