import { stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { FrameSource } from "@unsam/core/engine";
import { shownValue, UnSAMError } from "@unsam/core/errors";
import { lookAtFile, notTakenSentence, photosIn, readFileBytes, shown } from "@unsam/core/files";
import { decodeImage, formatOf, type ImageInput, type RgbImage, readImageHeader } from "@unsam/core/image";
import { withoutUndefined } from "@unsam/core/options";
import { abortable } from "@unsam/core/runtime";
import { VideoFile } from "@unsam/core/video-files";

/**
 * The frames of a video: a video file (MP4, MOV, WebM, MKV, AVI; needs ffmpeg on the machine); a folder of images, in the order of
 * the numbers in their names; an animated GIF or WebP; a list of images; or an async iterable of images, such as a camera or a pipe.
 */
export type VideoInput = string | URL | readonly ImageInput[] | AsyncIterable<ImageInput>;

export interface OpenFrames extends FrameSource {
  /** Any frame may be read again. */
  readonly isReplayable: boolean;
  /** Seconds, as the file says; null where there is no time, or the frame was not read yet. */
  timeOf(frame: number): number | null;
  /** Whoever gives the frames is told that no more are wanted. */
  close(): void;
}

interface ReadOptions {
  readonly maxPixels: number | undefined;
  readonly signal: AbortSignal | undefined;
}

const WHAT = "The video";

/** Opens the frames and decodes the first, which tells their size. Throws `E_BAD_IMAGE`, `E_IO`, `E_UNSUPPORTED`. */
export async function openFrames(input: VideoInput, options: ReadOptions): Promise<OpenFrames> {
  if (typeof input === "string" || input instanceof URL) {
    const name = input instanceof URL ? pathOf(input) : input;
    const found = await stat(name).catch(() => null);
    if (found?.isDirectory()) return openList(await framesOfFolder(name), options);
    return openFile(name, options);
  }
  if (Array.isArray(input)) return openList(input, options);
  if (typeof input === "object" && input !== null && Symbol.asyncIterator in input) {
    return openStream(input[Symbol.asyncIterator](), options);
  }
  throw bad(
    `A video cannot be ${shownValue(input)}; give a video file, a folder of frames, a list of images, or an async ` +
      "iterable of images.",
  );
}

async function openFile(file: string, options: ReadOptions): Promise<OpenFrames> {
  let isVideo = false;
  const look = (head: Uint8Array) => {
    isVideo = VideoFile.isVideo(head);
    if (isVideo || ["gif", "webp"].includes(formatOf(head) ?? "")) return;
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `${shown(file)} is neither a video (MP4, MOV, WebM, MKV, AVI) nor an animated GIF or WebP. Give one of them, a folder of ` +
        "frames, or an async iterable of images.",
    );
  };
  const { signal } = options;
  await lookAtFile(file, { what: WHAT, code: "E_BAD_IMAGE", systemCode: "E_IO", look, signal });
  if (!isVideo) return openAnimation(file, options);
  const video = await VideoFile.open(file, options);
  return Object.assign(video, { isReplayable: true });
}

/** An animation whole in memory, decoded frame by frame. */
async function openAnimation(file: string, { maxPixels, signal }: ReadOptions): Promise<OpenFrames> {
  const bytes = await readFileBytes(file, { what: WHAT, code: "E_BAD_IMAGE", systemCode: "E_IO", signal });
  const { pages = 1, delay = [] } = await readImageHeader(bytes, `${WHAT} ${shown(file)}`, signal);
  const decode = (page: number, stop: AbortSignal | undefined) =>
    decodeImage(bytes, { ...withoutUndefined({ maxPixels, signal: stop }), page });
  const { width, height } = await decode(0, signal);
  // When each frame begins; delays are milliseconds.
  const times = [0];
  for (let page = 1; page < pages; page++) times.push(times[page - 1] + (delay[page - 1] ?? 0) / 1000);
  return {
    width,
    height,
    length: pages,
    isReplayable: true,
    timeOf: (frame) => (pages > 1 ? (times[frame] ?? null) : null),
    read: async (frame, stop) => (frame < pages ? decode(frame, stop) : null),
    close: () => {},
  };
}

async function framesOfFolder(name: string): Promise<string[]> {
  const photos = await photosIn(name, "E_IO");
  // A frame that is left out would shift all that come after it.
  const missing = notTakenSentence(photos);
  if (missing !== null) throw bad(`Some frames of ${shown(name)} cannot be read: ${missing}`);
  if (photos.photos.length === 0) throw bad(`There are no frames in ${shown(name)}.`);
  return byNumber(photos.photos).map((photo) => path.join(name, photo));
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw bad(`${url.href.slice(0, 200)} is not the URL of a local file or folder; give a folder of frames.`);
  }
}

/** frame2 before frame10. */
function byNumber(names: readonly string[]): string[] {
  return [...names].sort(new Intl.Collator("en", { numeric: true }).compare);
}

async function openList(frames: readonly ImageInput[], options: ReadOptions): Promise<OpenFrames> {
  if (frames.length === 0) throw bad("The video has no frames.");
  const decode = decoder(options.maxPixels);
  const { width, height } = await decode(frames[0], options.signal);
  return {
    width,
    height,
    length: frames.length,
    isReplayable: true,
    timeOf: () => null,
    read: async (frame, signal) => {
      if (frame >= frames.length) return null;
      return sized(await decode(frames[frame], signal), frame, { width, height });
    },
    close: () => {},
  };
}

async function openStream(frames: AsyncIterator<ImageInput>, options: ReadOptions): Promise<OpenFrames> {
  const decode = decoder(options.maxPixels);
  const stream = new Stream(frames);
  const first = await stream.next(options.signal);
  if (first === null) throw bad("The video has no frames.");
  const image = await decode(first, options.signal);
  const size = { width: image.width, height: image.height };
  /** Number of the frame that the stream gave last. */
  let passed = 0;
  /** The newest frame stays: a call that is given up after it was read may be made again. */
  let last = { frame: 0, image };
  return {
    ...size,
    length: null,
    isReplayable: false,
    timeOf: () => null,
    read: async (frame, signal) => {
      if (frame === last.frame) return last.image;
      if (frame <= passed) {
        throw new UnSAMError(
          "E_UNSUPPORTED",
          `Frame ${frame} of the stream is gone: frame ${passed} was read already, and no frames are held. ` +
            "Prompt frames as they come, give a folder or a list, or, for a network, openVideo a spillFolder.",
        );
      }
      for (;;) {
        const input = await stream.next(signal);
        if (input === null) return null;
        passed++;
        if (passed < frame) continue;
        const image = sized(await decode(input, signal), frame, size);
        last = { frame, image };
        return image;
      }
    },
    close: () => stream.close(),
  };
}

/** One frame after the other; a wait that is given up loses none. */
class Stream {
  readonly #frames: AsyncIterator<ImageInput>;
  #waiting: Promise<IteratorResult<ImageInput>> | null = null;
  #ended = false;

  constructor(frames: AsyncIterator<ImageInput>) {
    this.#frames = frames;
  }

  async next(signal: AbortSignal | undefined): Promise<ImageInput | null> {
    if (this.#ended) return null;
    this.#waiting ??= this.#frames.next();
    const result = await abortable(this.#waiting, signal);
    this.#waiting = null;
    if (!result.done) return result.value;
    this.#ended = true;
    return null;
  }

  close(): void {
    this.#ended = true;
    // Nobody needs to wait for that, and whoever gives the frames hears of its own errors.
    this.#frames.return?.().catch(() => {});
  }
}

function decoder(maxPixels: number | undefined) {
  return (input: ImageInput, signal: AbortSignal | undefined): Promise<RgbImage> =>
    decodeImage(input, withoutUndefined({ maxPixels, signal }));
}

function sized(image: RgbImage, frame: number, size: { width: number; height: number }): RgbImage {
  if (image.width === size.width && image.height === size.height) return image;
  throw bad(
    `Frame ${frame} has ${image.width} × ${image.height} pixels, the first one ${size.width} × ${size.height}; ` +
      "all frames of a video must agree.",
  );
}

function bad(message: string): UnSAMError {
  return new UnSAMError("E_BAD_IMAGE", message);
}
