import type { Engine, EngineVideo, FrameSource } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { checkKeys } from "@unsam/core/options";
import { Turns } from "@unsam/core/runtime";
import type { Granularity } from "../granularity.js";
import { anyOf } from "./any-signal.js";
import { FrameRoom } from "./frame-room.js";
import { type OpenFrames, openFrames, type VideoInput } from "./frame-source.js";
import { renderTracks } from "./render-tracks.js";
import { saveTracks, trackFormatOf } from "./save-tracks.js";
import { TrackRecord } from "./track-record.js";
import { type ObjectHost, type TrackedMask, trackedMask, VideoObject } from "./video-object.js";
import {
  parseRenderOptions,
  parseSaveOptions,
  parseTrackOptions,
  parseVideoOptions,
  type RenderOptions,
  type SaveOptions,
  type TrackOptions,
  type VideoOptions,
} from "./video-options.js";

/** What is on one frame. */
export interface TrackedFrame {
  readonly frame: number;
  /** Seconds, by the file's own clock; null for folders, lists and streams, which have none. */
  readonly time: number | null;
  readonly objects: ReadonlyMap<VideoObject, TrackedMask>;
}

/** The model a video is opened with. `disposed` is aborted when it is. */
interface Maker {
  readonly engine: Engine;
  readonly disposed: AbortSignal;
  readonly maxPixelsInFlight: number | undefined;
}

interface Parts {
  readonly frames: OpenFrames;
  /** The same frames, read when there is room. */
  readonly source: FrameSource;
  readonly room: FrameRoom;
  readonly tracks: TrackRecord;
}

/**
 * A video whose objects are followed from frame to frame. It holds memory until `dispose()`; made by
 * `unsam.openVideo(frames)`. Calls on one video run one after the other; several videos do not mix.
 */
export class Video implements AsyncDisposable {
  readonly width: number;
  readonly height: number;
  /** What computes memory attention and memory encoder: the addon, or ONNX Runtime; built-in models have neither. */
  readonly memory: "onnx" | "native" | "none";
  /** Why, one plain sentence. */
  readonly reasons: { readonly memory: string };
  readonly #frames: OpenFrames;
  readonly #source: FrameSource;
  readonly #room: FrameRoom;
  readonly #tracks: TrackRecord;
  readonly #model: { readonly name: string; readonly family: string };
  readonly #video: EngineVideo;
  readonly #host: ObjectHost;
  readonly #objects = new Map<number, VideoObject>();
  readonly #turns = new Turns();
  readonly #stop = new AbortController();
  readonly #modelDisposed: AbortSignal;
  #lastId = 0;

  private constructor(
    { engine, disposed }: Maker,
    { frames, source, room, tracks }: Parts,
    video: EngineVideo,
  ) {
    const { width, height } = frames;
    this.width = width;
    this.height = height;
    this.memory = video.memory;
    this.reasons = video.reasons;
    this.#frames = frames;
    this.#source = source;
    this.#room = room;
    this.#tracks = tracks;
    this.#video = video;
    this.#modelDisposed = disposed;
    const { name, family, capabilities } = engine.info;
    this.#model = { name, family };
    this.#host = {
      width,
      height,
      length: () => this.length,
      model: { name, granularity: capabilities.granularity },
      run: (signal, work) => this.#run(signal, "interactive", work),
      check: (object) => this.#check(object),
      remove: (object) => this.remove(object),
      record: (object, frame, answer) => this.#record(object, frame, answer),
    };
  }

  /** @internal Use `unsam.openVideo`. */
  static async open(maker: Maker, input: VideoInput, given: VideoOptions): Promise<Video> {
    const { engine: options, maxPixels, maxResultBytes, signal } = parseVideoOptions(given);
    const { engine } = maker;
    signal?.throwIfAborted();
    if (!engine.openVideo) {
      throw new UnSAMError(
        "E_UNSUPPORTED",
        `Objects cannot be followed through a video with ${engine.info.name}; load a built-in model, SAM 2, SAM 2.1 or UnSAMv2.`,
      );
    }
    return anyOf([maker.disposed, signal], async (stop) => {
      const frames = await openFrames(input, { maxPixels, signal: stop });
      const room = new FrameRoom(frames, maker.maxPixelsInFlight);
      try {
        const source = room.around(frames);
        const video = await engine.openVideo!(source, options, { signal: stop });
        return new Video(maker, { frames, source, room, tracks: new TrackRecord(maxResultBytes) }, video);
      } catch (cause) {
        frames.close();
        throw cause;
      } finally {
        room.leave();
      }
    });
  }

  /** Number of frames; null for a stream. Of a video file it is counted, and exact once its end was read. */
  get length(): number | null {
    return this.#frames.length;
  }

  /** A new object, to be prompted on a frame. Any number of them, at any time. */
  object(options: { readonly granularity?: Granularity | undefined } = {}): VideoObject {
    checkKeys(options, ["granularity"], "video.object");
    this.#alive();
    const object = new VideoObject(this.#host, this.#lastId + 1, options.granularity);
    this.#objects.set(++this.#lastId, object);
    return object;
  }

  /** Objects that were made and not removed. */
  get objects(): readonly VideoObject[] {
    return [...this.#objects.values()];
  }

  /**
   * Follows all objects that were prompted, frame by frame, both ends included. Frames may be prompted and objects added while
   * it runs: the next frame knows of it. To stop, leave the loop; what was tracked is remembered, and another `track` goes on
   * from there. Throws `E_BAD_PROMPT` where there is nothing to follow, `E_BAD_OPTION`, `E_BAD_IMAGE`, or the signal's reason.
   */
  async *track(given: TrackOptions = {}): AsyncGenerator<TrackedFrame, void, undefined> {
    const { from, to, direction, signal } = parseTrackOptions(given);
    this.#alive();
    this.#checkRange(from, to);
    const reverse = direction === "backward";
    const first = await this.#run(signal, "bulk", (video, stop) => video.start({ signal: stop }));
    // The frames themselves say where they end.
    const last = to ?? (reverse ? 0 : Number.POSITIVE_INFINITY);
    const step = reverse ? -1 : 1;
    const isWanted = (frame: number) => (reverse ? frame >= last : frame <= last);
    try {
      for (let frame = from ?? first; isWanted(frame); frame += step) {
        const next = frame + step;
        const ahead = isWanted(next) && next < (this.length ?? Number.POSITIVE_INFINITY) ? next : null;
        const objects = await this.#trackFrame(frame, { reverse, ahead, signal });
        if (objects === null) return;
        yield { frame, time: this.#frames.timeOf(frame), objects };
      }
    } finally {
      this.#video.lookNoFurther();
    }
  }

  /** null: the video ends before the frame. */
  async #trackFrame(
    frame: number,
    { reverse, ahead, signal }: { reverse: boolean; ahead: number | null; signal: AbortSignal | undefined },
  ): Promise<Map<VideoObject, TrackedMask> | null> {
    const granularity = new Map([...this.#objects].map(([id, object]) => [id, object.granularity]));
    const answers = await this.#run(signal, "bulk", (video, stop) =>
      video.track(frame, { reverse, granularity, ahead }, { signal: stop }),
    );
    if (answers === null) return null;
    const objects = new Map<VideoObject, TrackedMask>();
    for (const [id, answer] of answers) {
      const object = this.#objects.get(id);
      if (!object) continue;
      const tracked = trackedMask(answer, granularity.get(id) ?? null);
      objects.set(object, tracked);
      this.#record(id, frame, tracked);
    }
    return objects;
  }

  /**
   * Writes what was tracked so far, on all frames that were: JSON with run lengths, YouTube-VIS, COCO-VID, MOTS, label maps as DAVIS has
   * them, or masks as SA-V has them (docs/video.md). Whole or not at all. Throws `E_BAD_PROMPT` where nothing was tracked,
   * `E_BAD_OPTION`, `E_IO`, or the signal's reason.
   */
  async save(file: string, given: SaveOptions = {}): Promise<void> {
    const { format = trackFormatOf(file), onProgress, signal } = parseSaveOptions(given);
    this.#alive();
    const tracks = this.#tracks.snapshot("video.save");
    const { width, height, length } = this;
    const video = { width, height, length, model: this.#model };
    await anyOf([this.#stop.signal, this.#modelDisposed, signal], (stop) =>
      saveTracks(file, format, { tracks, video, signal: stop, onProgress }),
    );
  }

  /**
   * Draws what was tracked so far: an .mp4 or .webm (by the ffmpeg of this machine), a .gif or .webp, or a folder of PNG files. Frames
   * keep their times. Nothing is tracked for it: a frame in between that was not is refused. Whole or not at all. Throws
   * `E_BAD_PROMPT` where nothing was tracked, `E_BAD_OPTION`, `E_UNSUPPORTED`, `E_IO`, or the signal's reason.
   */
  async render(file: string, given: RenderOptions = {}): Promise<void> {
    const { signal, ...options } = parseRenderOptions(given);
    this.#alive();
    if (!this.#frames.isReplayable) {
      throw new UnSAMError(
        "E_UNSUPPORTED",
        "The frames of a stream are gone; draw them as they come, with the mask of each.",
      );
    }
    const tracks = this.#tracks.snapshot("video.render");
    const { width, height } = this;
    await anyOf([this.#stop.signal, this.#modelDisposed, signal], (stop) =>
      renderTracks(file, {
        ...{ from: undefined, to: undefined, opacity: undefined, onProgress: undefined },
        ...options,
        tracks,
        size: { width, height },
        signal: stop,
        withFrame: (frame, work) =>
          this.#run(stop, "bulk", async () => {
            const image = await this.#source.read(frame, stop);
            if (image) return work(image);
            throw new UnSAMError(
              "E_BAD_IMAGE",
              `The video ends before frame ${frame}, which was tracked; has it changed?`,
            );
          }),
      }),
    );
  }

  /** Ends following an object; the others are not touched. */
  async remove(object: VideoObject): Promise<void> {
    this.#check(object);
    this.#objects.delete(object.id);
    this.#tracks.remove(object.id);
    await this.#run(undefined, "interactive", (video) => video.remove(object.id));
  }

  /** Forgets all objects. The video stays open, and features of its frames stay. */
  async reset(): Promise<void> {
    this.#alive();
    this.#objects.clear();
    this.#tracks.clear();
    await this.#run(undefined, "interactive", (video) => video.reset());
  }

  /** Releases what the video holds. Calls after this, and those that wait, reject with `E_DISPOSED`. */
  async dispose(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(new UnSAMError("E_DISPOSED", "This video was disposed; open it again."));
    this.#frames.close();
    this.#tracks.clear();
    await this.#video.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** One call after the other, with a signal that also says when the video or its model is disposed. */
  async #run<Result>(
    signal: AbortSignal | undefined,
    priority: "interactive" | "bulk",
    work: (video: EngineVideo, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    return anyOf([this.#stop.signal, this.#modelDisposed, signal], (stop) =>
      this.#turns.run(
        async () => {
          try {
            return await work(this.#video, stop);
          } finally {
            this.#room.leave();
          }
        },
        { priority, signal: stop },
      ),
    );
  }

  #record(object: number, frame: number, answer: TrackedMask): void {
    this.#tracks.add(object, frame, this.#frames.timeOf(frame), answer);
  }

  #check(object: VideoObject): void {
    this.#alive();
    if (this.#objects.get(object.id) === object) return;
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `Object ${object.id} is not one of this video; make one with video.object().`,
    );
  }

  #checkRange(from: number | undefined, to: number | undefined): void {
    const beyond = [from, to].find((frame) => frame !== undefined && frame >= (this.length ?? Infinity));
    if (beyond === undefined) return;
    throw new UnSAMError(
      "E_BAD_OPTION",
      `video.track: there is no frame ${beyond}; the video has frames 0 to ${this.length! - 1}.`,
    );
  }

  #alive(): void {
    this.#stop.signal.throwIfAborted();
    this.#modelDisposed.throwIfAborted();
  }
}
