import { type ImageInput, inspectImage, isPath, type RgbImage } from "../image/index.js";
import { Turns } from "../runtime/index.js";
import { DEFAULT_MAX_PIXELS_IN_FLIGHT, photosInFlight } from "./pixel-room.js";

export interface AdmissionOptions {
  /** Photos that are decoded or encoded at once. */
  readonly atOnce: number;
  /** Pixels in flight in the whole process while a photo of this model is (default 200 million). */
  readonly maxPixelsInFlight?: number | undefined;
}

export interface PhotoOptions {
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The photos that a model is asked to encode. Each waits undecoded for its turn, then for room among the pixels in
 * flight, and is decoded only then: what waits takes no memory but the caller's own bytes.
 */
export class Admission {
  readonly #turns: Turns;
  readonly #decoding = new Turns();
  readonly #most: number;

  constructor({ atOnce, maxPixelsInFlight = DEFAULT_MAX_PIXELS_IN_FLIGHT }: AdmissionOptions) {
    this.#turns = new Turns(atOnce);
    this.#most = maxPixelsInFlight;
  }

  /**
   * Decodes a photo and works on it, when there is room. Images that are given as bytes are refused at once where they are
   * none; files are read when their turn comes. Throws what `decodeImage` and `work` throw, or the signal's reason.
   */
  async photo<T>(
    input: ImageInput,
    { maxPixels, signal }: PhotoOptions,
    work: (photo: RgbImage) => Promise<T>,
  ): Promise<T> {
    const inspect = () =>
      inspectImage(input, {
        ...(maxPixels === undefined ? {} : { maxPixels }),
        ...(signal ? { signal } : {}),
      });
    const known = isPath(input) ? null : await inspect();
    return this.#turns.run(
      async () => {
        // One after the other: decoding more than is worked on would only take threads from answers.
        const { photo, share } = await this.#decoding.run(
          async () => {
            const image = known ?? (await inspect());
            const share = await photosInFlight.enter(image.pixels, this.#most, signal);
            try {
              return { photo: await image.decode(share.grow), share };
            } catch (cause) {
              share.leave();
              throw cause;
            }
          },
          { priority: "bulk", signal, discard: (late) => late.share.leave() },
        );
        try {
          return await work(photo);
        } finally {
          share.leave();
        }
      },
      { priority: "bulk", signal },
    );
  }

  /** Works with so many pixels of a photo that is in memory already: a crop of it. */
  pixels<T>(pixels: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(
      async () => {
        const share = await photosInFlight.enter(pixels, this.#most, signal);
        try {
          return await work();
        } finally {
          share.leave();
        }
      },
      { priority: "bulk", signal },
    );
  }
}
