import path from "node:path";
import { UnSAMError } from "../errors.js";
import { lookAtFile, shown } from "../files/index.js";
import type { RgbImage } from "../image/rgb-image.js";
import { checkLimits, DEFAULT_MAX_PIXELS } from "../limits/index.js";
import { containerOf } from "./containers.js";
import { requireFFmpeg } from "./find-ffmpeg.js";
import { type DecodedFrame, FrameDecoder, type FrameInfo } from "./frame-decoder.js";
import { FrameIndex } from "./frame-index.js";
import { countFrames, type OpenedFile, type Probed, probe } from "./probe.js";

/** Frames that are held for reading backwards, within both limits, so that not each of them needs a seek. */
const MOST_HELD = 32;
const MOST_HELD_BYTES = 64 * 2 ** 20;
/** To a frame at most this far ahead the file is decoded, without a seek. */
const NEAR = 64;

export interface VideoFileOptions {
  /** Larger frames are refused before they are decoded (default 100 million). */
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The run of ffmpeg that is under way. */
interface Decoder {
  readonly run: FrameDecoder;
  /** Number of its next frame; of a run that was sought and has given none yet, what it should be. */
  next: number;
  readonly isSought: boolean;
  /** `next` is certain. */
  isPlaced: boolean;
}

/**
 * A video file whose frames are read by their number: frame n is the n-th that a decoder gives when it begins at the start.
 * Time stamp and checksum of each frame that was seen are remembered, 16 bytes a frame. A frame that is read again is sought
 * by its time, and what comes must have that checksum; where it does not, the file is decoded from its start.
 * Calls are made one after the other.
 */
export class VideoFile {
  readonly width: number;
  readonly height: number;
  readonly #opened: OpenedFile;
  readonly #probed: Probed;
  readonly #index = new FrameIndex();
  readonly #held = new Map<number, RgbImage>();
  #length: number | null;
  #decoder: Decoder | null = null;
  /** All frames were seen. */
  #isWhole = false;
  /** Times lead to their frames. */
  #canSeek = true;
  #lastRead = 0;
  #isClosed = false;

  private constructor(opened: OpenedFile, probed: Probed, length: number | null, first: DecodedFrame) {
    this.#opened = opened;
    this.#probed = probed;
    this.#length = length;
    this.width = first.info.width;
    this.height = first.info.height;
    this.#held.set(0, first.image);
  }

  /** Whether a file begins like a video that is opened here. */
  static isVideo(head: Uint8Array): boolean {
    return containerOf(head) !== null;
  }

  /**
   * Opens a file and decodes its first frame. Throws `E_UNSUPPORTED` without ffmpeg or for another kind of file,
   * `E_BAD_IMAGE`, `E_IO`, or the signal's reason.
   */
  static async open(
    name: string,
    { maxPixels = DEFAULT_MAX_PIXELS, signal }: VideoFileOptions = {},
  ): Promise<VideoFile> {
    checkLimits({ maxPixels });
    let container = null as ReturnType<typeof containerOf>;
    const look = (head: Uint8Array) => {
      container = containerOf(head);
    };
    await lookAtFile(name, { what: "The video", code: "E_BAD_IMAGE", systemCode: "E_IO", look, signal });
    if (container === null) throw new UnSAMError("E_UNSUPPORTED", `${shown(name)} is no video file.`);
    const instead = "give a folder of its frames";
    const tools = await requireFFmpeg(`The video ${shown(name)} is decoded`, instead);
    const opened: OpenedFile = { file: path.resolve(name), container, tools, maxPixels };
    const probed = await probe(opened, signal);
    const run = new FrameDecoder(opened, probed, null);
    try {
      const [first, length] = await Promise.all([run.next(signal), countFrames(opened, probed, signal)]);
      if (first === null) throw new UnSAMError("E_BAD_IMAGE", `The video ${shown(name)} has no frames.`);
      const video = new VideoFile(opened, probed, length, first);
      video.#index.add(first.info, run.timeBase);
      video.#decoder = { run, next: 1, isSought: false, isPlaced: true };
      return video;
    } catch (cause) {
      run.stop();
      throw cause;
    }
  }

  /** Number of frames: counted in the file, and exact once its end was read; null where they cannot be counted. */
  get length(): number | null {
    return this.#length;
  }

  /** Seconds, by the file's own clock; null for a frame that was not read yet, or that has no time. */
  timeOf(frame: number): number | null {
    return this.#index.time(frame);
  }

  /** null: the video ends before that frame. Throws `E_BAD_IMAGE` where the file is broken there, or the signal's reason. */
  async read(frame: number, signal: AbortSignal | undefined): Promise<RgbImage | null> {
    signal?.throwIfAborted();
    const isBackwards = frame < this.#lastRead;
    if (!isBackwards && !this.#held.has(frame)) this.#held.clear();
    const held = this.#held.get(frame);
    if (held) {
      this.#lastRead = frame;
      return held;
    }
    if (this.#isWhole && frame >= this.#index.length) return null;
    this.#held.clear();
    const first = isBackwards ? Math.max(0, frame - this.#mostHeld + 1) : frame;
    try {
      const image = await this.#readFrom(first, frame, signal);
      if (image !== null) this.#lastRead = frame;
      return image;
    } catch (cause) {
      this.#stop();
      throw cause;
    }
  }

  /** Ends ffmpeg. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.#held.clear();
  }

  get #mostHeld(): number {
    const fit = Math.floor(MOST_HELD_BYTES / (3 * this.width * this.height));
    return Math.min(MOST_HELD, Math.max(1, fit));
  }

  /** Decodes up to `frame` and holds the frames from `first` on. */
  async #readFrom(first: number, frame: number, signal: AbortSignal | undefined): Promise<RgbImage | null> {
    let decoder = this.#decoderAt(first);
    for (;;) {
      const decoded = await decoder.run.next(signal);
      const at = decoded === null ? decoder.next : this.#placeOf(decoded.info, decoder);
      const isWrong =
        decoded === null
          ? at !== null && at < this.#index.length
          : at === null || at > Math.max(first, decoder.next);
      if (at === null || isWrong) {
        if (!decoder.isSought) throw this.#changed();
        // Seeking in this file does not lead where its times say.
        this.#canSeek = false;
        decoder = this.#start(null, 0);
        continue;
      }
      if (decoded === null) {
        this.#stop();
        this.#isWhole = true;
        this.#length = at;
        return null;
      }
      this.#checkSize(at, decoded);
      if (at === this.#index.length) this.#index.add(decoded.info, decoder.run.timeBase);
      decoder.next = at + 1;
      decoder.isPlaced = true;
      if (at >= first) this.#held.set(at, decoded.image);
      if (at === frame) return decoded.image;
    }
  }

  /** A run that will come to a frame: the one under way, or a new one. */
  #decoderAt(frame: number): Decoder {
    const known = Math.min(frame, this.#index.length - 1);
    const now = this.#decoder;
    if (now && now.next <= frame && (frame - now.next < NEAR || now.next >= known)) return now;
    const time = this.#canSeek ? this.#index.seekTime(known) : null;
    return time === null || known === 0 ? this.#start(null, 0) : this.#start(time, known);
  }

  #start(time: number | null, next: number): Decoder {
    this.#stop();
    if (this.#isClosed) throw new UnSAMError("E_DISPOSED", "This video was disposed; open it again.");
    // Half a millisecond early: rounding must not pass over the frame.
    const from = time === null ? null : Math.max(0, time - this.#probed.start - 0.0005);
    const run = new FrameDecoder(this.#opened, this.#probed, from);
    this.#decoder = { run, next, isSought: time !== null, isPlaced: time === null };
    return this.#decoder;
  }

  /** The number of a frame that came; null: it is none that was seen, though it should be. */
  #placeOf(info: FrameInfo, { next, isPlaced }: Decoder): number | null {
    if (!isPlaced) return this.#index.find(info);
    return next >= this.#index.length || this.#index.matches(next, info) ? next : null;
  }

  #changed(): UnSAMError {
    return new UnSAMError(
      "E_BAD_IMAGE",
      `${shown(this.#opened.file)} gives other frames than when it was opened; do not write to it meanwhile.`,
    );
  }

  #checkSize(frame: number, { info }: DecodedFrame): void {
    const { width, height } = info;
    if (width !== this.width || height !== this.height) {
      throw new UnSAMError(
        "E_BAD_IMAGE",
        `Frame ${frame} of ${shown(this.#opened.file)} has ${width} × ${height} pixels, the first one ` +
          `${this.width} × ${this.height}; all frames of a video must agree.`,
      );
    }
  }

  #stop(): void {
    this.#decoder?.run.stop();
    this.#decoder = null;
  }
}
