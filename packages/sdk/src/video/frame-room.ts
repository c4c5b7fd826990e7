import { DEFAULT_MAX_PIXELS_IN_FLIGHT, photosInFlight, type Share } from "@unsam/core/admission";
import type { FrameSource } from "@unsam/core/engine";

/**
 * Frames of a video count among the pixels in flight of the process, as photos do: each waits undecoded until there is room. A video
 * has one frame in flight at most.
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

  /** The same frames; each is read when there is room. `leave` is to be called after the work with it. */
  around(source: FrameSource): FrameSource {
    return {
      width: source.width,
      height: source.height,
      length: source.length,
      read: async (frame, signal) => {
        // Whoever holds a frame and waits for room for the next would wait for itself.
        this.leave();
        this.#share = await photosInFlight.enter(this.#pixels, this.#most, signal);
        return source.read(frame, signal);
      },
    };
  }

  leave(): void {
    this.#share?.leave();
    this.#share = null;
  }
}
