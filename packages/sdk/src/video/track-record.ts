import { UnSAMError } from "@unsam/core/errors";
import { Mask } from "@unsam/core/mask";
import type { TrackedMask } from "./video-object.js";

/** An object on a frame, its mask as compressed run lengths of COCO. */
export interface RecordedMask {
  readonly counts: string;
  readonly area: number;
  /** x, y, width, height. */
  readonly bbox: readonly [number, number, number, number];
  readonly score: number;
  readonly objectScore: number;
  readonly isPresent: boolean;
  readonly granularity: number | null;
}

/** About what an answer takes beside its run lengths, bytes. */
const BESIDE = 200;

/** The latest answer for each object on each frame, compressed: what `video.save` and `video.render` write. */
export class TrackRecord {
  readonly #objects = new Map<number, Map<number, RecordedMask>>();
  readonly #times = new Map<number, number>();
  readonly #mostBytes: number;
  #bytes = 0;
  #isFull = false;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  add(object: number, frame: number, time: number | null, answer: TrackedMask): void {
    if (this.#isFull) return;
    const { mask, score, objectScore, isPresent, granularity } = answer;
    const { x, y, width, height } = mask.bbox;
    const counts = mask.toRLE().counts as string;
    const frames = this.#objects.get(object) ?? new Map<number, RecordedMask>();
    this.#objects.set(object, frames);
    const before = frames.get(frame);
    this.#bytes += BESIDE + counts.length - (before ? BESIDE + before.counts.length : 0);
    const bbox = [x, y, width, height] as const;
    frames.set(frame, { counts, area: mask.area, bbox, score, objectScore, isPresent, granularity });
    if (time !== null) this.#times.set(frame, time);
    if (this.#bytes <= this.#mostBytes) return;
    this.clear();
    this.#isFull = true;
  }

  remove(object: number): void {
    for (const { counts } of this.#objects.get(object)?.values() ?? []) this.#bytes -= BESIDE + counts.length;
    this.#objects.delete(object);
  }

  clear(): void {
    this.#objects.clear();
    this.#times.clear();
    this.#bytes = 0;
    this.#isFull = false;
  }

  /** What is there now; answers that come later change nothing in it. Throws `E_BAD_PROMPT`, `E_UNSUPPORTED`. */
  snapshot(caller: string): Tracks {
    if (this.#isFull) {
      throw new UnSAMError(
        "E_UNSUPPORTED",
        `${caller}: the masks take more than maxResultBytes (${this.#mostBytes}) and were let go; raise it in openVideo, or write ` +
          "each frame as it comes.",
      );
    }
    const objects = [...this.#objects]
      .filter(([, frames]) => frames.size > 0)
      .sort(([a], [b]) => a - b)
      .map(([id, frames]) => ({ id, frames: new Map([...frames].sort(([a], [b]) => a - b)) }));
    if (objects.length === 0) {
      throw new UnSAMError(
        "E_BAD_PROMPT",
        `${caller}: nothing was tracked; prompt an object and run video.track first.`,
      );
    }
    const frames = [...new Set(objects.flatMap((object) => [...object.frames.keys()]))].sort((a, b) => a - b);
    return { objects, frames, times: new Map(this.#times) };
  }
}

/** Objects in the order of their numbers, frames in order. */
export interface Tracks {
  readonly objects: readonly { readonly id: number; readonly frames: ReadonlyMap<number, RecordedMask> }[];
  /** On which there is an answer for any object. */
  readonly frames: readonly number[];
  /** Seconds, of frames that have a time. */
  readonly times: ReadonlyMap<number, number>;
}

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

export function maskOf({ counts }: RecordedMask, { width, height }: FrameSize): Mask {
  return Mask.fromRLE(
    { size: [height, width], counts },
    { maxPixels: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY },
  );
}

/** Throws `E_BAD_OPTION` where two masks share a pixel. `format` begins the sentence. */
export function checkApart(
  masks: readonly { id: number; mask: Mask }[],
  frame: number,
  format: string,
): void {
  for (const [i, one] of masks.entries()) {
    const other = masks.slice(0, i).find(({ mask }) => mask.intersection(one.mask) > 0);
    if (!other) continue;
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${format} gives each pixel to one object, but objects ${other.id} and ${one.id} share some on frame ${frame}; open the video with ` +
        "nonOverlapping: true, or choose another format.",
    );
  }
}
