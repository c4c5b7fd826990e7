import { DEFAULT_MAX_PIXELS_IN_FLIGHT, photosInFlight, type Share } from "@unsam/core/admission";
import type { FrameSource } from "@unsam/core/engine";
import { Turns } from "@unsam/core/runtime";

interface Frames extends FrameSource {
  readonly isReplayable: boolean;
}

/**
 * Frames of a video count among the pixels in flight of the process, as photos do: each waits undecoded until there is room. A video
 * has two frames in flight at most: the one that is asked for, and the one after it.
 */
export class FrameRoom {
  readonly #pixels: number;
  readonly #most: number;
  #share: Share | null = null;

  constructor(
    { width, height }: { readonly width: number; readonly height: number },
    most: number | undefined,
  ) {
    this.#pixels = width * height;
    this.#most = most ?? DEFAULT_MAX_PIXELS_IN_FLIGHT;
  }

  /** The same frames; each is read when there is room, one after the other. `leave` is to be called after the work with it. */
  around(source: Frames): FrameSource {
    const { width, height, length, isReplayable } = source;
    const turns = new Turns();
    const ahead = new FrameRoom(source, this.#most);
    const reading = (room: FrameRoom) => (frame: number, signal: AbortSignal | undefined) =>
      room.#enter(signal, () => turns.run(() => source.read(frame, signal), { priority: "bulk", signal }));
    return {
      ...{ width, height, length },
      read: reading(this),
      // What a stream has given is gone: it is read when it is asked for.
      ahead: isReplayable ? { read: reading(ahead), leave: () => ahead.leave() } : null,
    };
  }

  async #enter<Result>(signal: AbortSignal | undefined, read: () => Promise<Result>): Promise<Result> {
    // Whoever holds a frame and waits for room for the next would wait for itself.
    this.leave();
    this.#share = await photosInFlight.enter(this.#pixels, this.#most, signal);
    return read();
  }

  leave(): void {
    this.#share?.leave();
    this.#share = null;
  }
}
