import { DEFAULT_MAX_PIXELS } from "../limits/index.js";

/** What two photos of the largest size need: one is encoded while the next is decoded. */
export const DEFAULT_MAX_PIXELS_IN_FLIGHT = 2 * DEFAULT_MAX_PIXELS;

/** The pixels of one photo in the room. */
export interface Share {
  /** There are more than was known. Does not wait: the photo is in memory already. */
  grow(pixels: number): void;
  /** Gives the pixels back; once, however often it is called. */
  leave(): void;
}

interface Waiting {
  readonly pixels: number;
  readonly most: number;
  enter(): void;
}

/**
 * Counts the pixels of photos that are decoded and not yet encoded. Whoever wants in waits until there is room, first
 * come, first served; a photo that is larger than all the room goes in alone.
 */
export class PixelRoom {
  #inFlight = 0;
  #most = 0;
  readonly #waiting: Waiting[] = [];

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The most pixels that were ever in flight. */
  get peak(): number {
    return this.#most;
  }

  /** Photos that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** `most`: pixels in flight with this photo, at most. Rejects with the signal's reason. */
  enter(pixels: number, most: number, signal?: AbortSignal): Promise<Share> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal?.reason);
        // It may have been the one that kept the others waiting.
        this.#admit();
      };
      const waiting: Waiting = {
        pixels,
        most,
        enter: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve(this.#share(pixels));
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiting);
      this.#admit();
    });
  }

  #admit(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (!first) return;
      if (this.#inFlight > 0 && this.#inFlight + first.pixels > first.most) return;
      this.#waiting.shift();
      this.#add(first.pixels);
      first.enter();
    }
  }

  #share(pixels: number): Share {
    let held = pixels;
    return {
      grow: (all) => {
        if (held === 0 || all <= held) return;
        this.#add(all - held);
        held = all;
      },
      leave: () => {
        this.#inFlight -= held;
        held = 0;
        this.#admit();
      },
    };
  }

  #add(pixels: number): void {
    this.#inFlight += pixels;
    this.#most = Math.max(this.#most, this.#inFlight);
  }
}

/** Of this process: memory is shared by all models. */
export const photosInFlight = new PixelRoom();
