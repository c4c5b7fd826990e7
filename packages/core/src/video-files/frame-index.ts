import type { FrameInfo } from "./frame-decoder.js";

/** Time stamp and checksum of the frames that were seen, in order from the first one: 16 bytes a frame. */
export class FrameIndex {
  #stamps = new Float64Array(256);
  #checksums = new Float64Array(256);
  #length = 0;
  /** Seconds. */
  #timeBase: number | null = null;
  /** Each time stamp is later than the one before, so that it names its frame. */
  #isOrdered = true;

  get length(): number {
    return this.#length;
  }

  /** Adds the next frame. */
  add({ pts, checksum }: FrameInfo, timeBase: number | null): void {
    if (this.#length === this.#stamps.length) {
      this.#stamps = grown(this.#stamps);
      this.#checksums = grown(this.#checksums);
    }
    this.#timeBase ??= timeBase;
    const stamp = pts ?? Number.NaN;
    // False for NaN, too.
    const isLater = this.#length === 0 ? pts !== null : stamp > this.#stamps[this.#length - 1];
    if (!isLater || !Number.isSafeInteger(stamp)) this.#isOrdered = false;
    this.#stamps[this.#length] = stamp;
    this.#checksums[this.#length++] = checksum;
  }

  /** Seconds; null where they are not known. */
  time(frame: number): number | null {
    if (!(frame < this.#length) || this.#timeBase === null) return null;
    const seconds = this.#stamps[frame] * this.#timeBase;
    return Number.isFinite(seconds) ? seconds : null;
  }

  /** Where to seek a frame that was seen; null: its time does not tell it from others. */
  seekTime(frame: number): number | null {
    return this.#isOrdered ? this.time(frame) : null;
  }

  matches(frame: number, { pts, checksum }: FrameInfo): boolean {
    return Object.is(this.#stamps[frame], pts ?? Number.NaN) && this.#checksums[frame] === checksum;
  }

  /** The number of a frame that was seen; null: it is none of them. */
  find(info: FrameInfo): number | null {
    if (info.pts === null) return null;
    let low = 0;
    let high = this.#length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#stamps[middle] < info.pts) low = middle + 1;
      else high = middle;
    }
    return this.#length > 0 && this.matches(low, info) ? low : null;
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * values.length);
  larger.set(values);
  return larger;
}
