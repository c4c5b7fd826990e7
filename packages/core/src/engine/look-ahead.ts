import type { RgbImage } from "../image/index.js";
import { abortable } from "../runtime/index.js";
import type { FramesAhead } from "./engine-video.js";

/** Brings what was made of a frame to the thread that follows objects on it. */
export type TakeIn = (frame: number, signal: AbortSignal | undefined) => Promise<void>;

interface Looking {
  readonly frame: number;
  readonly stop: AbortController;
  /** The frame before it was tracked: what was kept of that one may be let go. */
  readonly mayTakeIn: () => void;
  /** Never rejects. */
  readonly done: Promise<void>;
}

/**
 * One frame ahead of the one that is tracked: it is decoded, and what can be made of it is made, beside that. Whatever goes
 * wrong with it is forgotten here: its own turn reads it again, and says so then.
 */
export class LookAhead {
  readonly #frames: FramesAhead | null;
  readonly #look: (image: RgbImage, signal: AbortSignal | undefined) => Promise<TakeIn>;
  #now: Looking | null = null;

  constructor(
    frames: FramesAhead | null,
    look: (image: RgbImage, signal: AbortSignal | undefined) => Promise<TakeIn>,
  ) {
    this.#frames = frames;
    this.#look = look;
  }

  /** Begins with a frame; after `settle`, so that there is no other. */
  begin(frame: number): void {
    const frames = this.#frames;
    if (frames === null) return;
    const stop = new AbortController();
    let mayTakeIn = () => {};
    const tracked = new Promise<void>((resolve) => {
      mayTakeIn = resolve;
    });
    const work = async () => {
      try {
        const image = await frames.read(frame, stop.signal);
        if (image === null) return;
        const take = await this.#look(image, stop.signal);
        await abortable(tracked, stop.signal);
        await take(frame, stop.signal);
      } catch {
        // See above.
      } finally {
        frames.leave();
      }
    };
    this.#now = { frame, stop, mayTakeIn, done: work() };
  }

  /** The frame before it was tracked. */
  takeIn(): void {
    this.#now?.mayTakeIn();
  }

  /** Waits until nothing is under way; work with another frame than this is given up. Rejects with the signal's reason. */
  async settle(frame: number, signal: AbortSignal | undefined): Promise<void> {
    const now = this.#now;
    if (now === null) return;
    if (now.frame !== frame) now.stop.abort();
    now.mayTakeIn();
    await abortable(now.done, signal);
    if (this.#now === now) this.#now = null;
  }

  stop(): void {
    this.#now?.stop.abort();
  }
}
