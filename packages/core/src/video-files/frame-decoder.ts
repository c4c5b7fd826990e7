import type { Readable } from "node:stream";
import { UnSAMError } from "../errors.js";
import { shown } from "../files/index.js";
import type { RgbImage } from "../image/rgb-image.js";
import { Child } from "./child.js";
import { inputArguments, type OpenedFile, type Probed } from "./probe.js";

/** What ffmpeg tells of a frame before it gives its pixels. */
export interface FrameInfo {
  /** Time stamp in units of `timeBase`; null where the file has none. */
  readonly pts: number | null;
  /** Of its pixels (Adler-32). */
  readonly checksum: number;
  readonly width: number;
  readonly height: number;
}

export interface DecodedFrame {
  readonly info: FrameInfo;
  readonly image: RgbImage;
}

const NUMBER = "(-?\\d+|NOPTS)";
const FRAME = new RegExp(
  `showinfo\\S* @ \\S+ \\[info\\] n:\\s*\\d+ pts:\\s*${NUMBER}\\s.* s:(\\d+)x(\\d+) .*checksum:([0-9A-F]{8}) `,
);
const TIME_BASE = /showinfo\S* @ \S+ \[info\] config in time_base: (\d+)\/(\d+)/;

/** What readers of MP4 and MKV say of a file that was cut off; frames are missing, but none is damaged, so ffmpeg itself goes on. */
const CUT_OFF = /partial file|ended prematurely/;

/**
 * One run of ffmpeg: the frames of a file one after the other, turned upright, as 8-bit RGB. It decodes no further ahead than
 * a pipe holds.
 */
export class FrameDecoder {
  readonly #child: Child;
  readonly #bytes: Bytes;
  readonly #name: string;
  readonly #infos: FrameInfo[] = [];
  #onInfo: (() => void) | null = null;
  #given = 0;
  /** Seconds; null before the first frame. */
  timeBase: number | null = null;

  /** `from`: seconds after the file's beginning; frames that are shown before are passed over. null: all frames. */
  constructor(opened: OpenedFile, { stream, everyFrameOnce }: Probed, from: number | null) {
    this.#name = shown(opened.file);
    const args = [
      ...["-hide_banner", "-nostdin", "-nostats", "-loglevel", "repeat+level+info"],
      // A frame that cannot be decoded ends it: one that is left out would shift all that come after it.
      ...["-xerror", "-copyts"],
      ...(from === null ? [] : ["-ss", from.toFixed(6)]),
      ...inputArguments(opened),
      ...["-map", `0:${stream}`, ...everyFrameOnce, "-vf", "format=rgb24,showinfo"],
      ...["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"],
    ];
    this.#child = new Child(opened.tools.ffmpeg, args, { onLine: (line) => this.#hear(line) });
    this.#bytes = new Bytes(this.#child.stdout);
    void this.#child.closed.then(() => this.#onInfo?.());
  }

  /** The next frame; null behind the last. Throws `E_BAD_IMAGE` where the file is broken, or the signal's reason. */
  async next(signal: AbortSignal | undefined): Promise<DecodedFrame | null> {
    signal?.throwIfAborted();
    return this.#child.waited(this.#next(), signal);
  }

  async #next(): Promise<DecodedFrame | null> {
    const info = await this.#nextInfo();
    if (info === null) {
      await this.#child.closed;
      this.#child.checkStarted();
      if (this.#child.succeeded && !this.#child.told(CUT_OFF)) return null;
      throw this.#broken(this.#child.problem);
    }
    const { width, height } = info;
    const data = new Uint8Array(3 * width * height);
    if (!(await this.#bytes.fill(data))) {
      await this.#child.closed;
      throw this.#broken(this.#child.problem);
    }
    this.#given++;
    return { info, image: { data, width, height } };
  }

  async #nextInfo(): Promise<FrameInfo | null> {
    for (;;) {
      const info = this.#infos.shift();
      if (info) return info;
      if (this.#child.isClosed) return null;
      await new Promise<void>((resolve) => {
        this.#onInfo = resolve;
      });
    }
  }

  stop(): void {
    this.#child.kill();
  }

  #hear(line: string): void {
    const [, numerator, denominator] = TIME_BASE.exec(line) ?? [];
    if (numerator !== undefined) {
      // ffmpeg scales a frame of another size to the first one's; its size before that is what is told.
      this.timeBase = Number(numerator) / Number(denominator);
      return;
    }
    const [, pts, width, height, checksum] = FRAME.exec(line) ?? [];
    if (pts === undefined) return;
    this.#infos.push({
      pts: pts === "NOPTS" ? null : Number(pts),
      checksum: Number.parseInt(checksum, 16),
      width: Number(width),
      height: Number(height),
    });
    this.#onInfo?.();
  }

  #broken(problem: string): UnSAMError {
    const where = this.#given === 0 ? "has no frame that can be decoded" : "is broken";
    return new UnSAMError(
      "E_BAD_IMAGE",
      `The video ${this.#name} ${where}: ${problem}; save it anew from its source, or keep what can be read ` +
        "(ffmpeg -i broken.mp4 whole.mp4).",
    );
  }
}

/** Pieces of a stream, put together. */
class Bytes {
  readonly #stream: Readable;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(stream: Readable) {
    this.#stream = stream;
    const wake = () => this.#wake?.();
    stream.on("readable", wake);
    for (const event of ["end", "close"]) {
      stream.on(event, () => {
        this.#ended = true;
        wake();
      });
    }
  }

  /** false: the stream ends before. */
  async fill(target: Uint8Array): Promise<boolean> {
    for (let filled = 0; ; ) {
      const piece = this.#rest.subarray(0, target.length - filled);
      target.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
      if (filled === target.length) return true;
      const next = this.#stream.read() as Buffer | null;
      if (next !== null) this.#rest = next;
      else if (this.#ended) return false;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
