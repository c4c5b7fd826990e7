import { Admission } from "@unsam/core/admission";
import type { Engine, EngineImage } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import type { ImageInput, RgbImage } from "@unsam/core/image";
import { checkKeys } from "@unsam/core/options";

export interface EncodeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Larger photos are refused before they are decoded (default 100 million). */
  readonly maxPixels?: number | undefined;
}

/** Encodes photos with one model, as many at once as memory allows; `dispose` ends what waits and what is under way. */
export class PhotoEncoder {
  readonly #engine: Engine;
  readonly #admission: Admission;
  readonly #running = new Set<AbortController>();
  #disposed = false;

  constructor(engine: Engine, maxPixelsInFlight: number | undefined) {
    this.#engine = engine;
    // One more than are encoded: it is decoded meanwhile.
    this.#admission = new Admission({ atOnce: engine.encodesAtOnce + 1, maxPixelsInFlight });
  }

  /** Throws `E_BAD_IMAGE`, `E_BAD_OPTION`, `E_DISPOSED`, or the signal's reason. */
  async encode(input: ImageInput, options: EncodeOptions): Promise<{ image: EngineImage; photo: RgbImage }> {
    checkKeys(options, ["signal", "maxPixels"], "encode");
    const { signal, maxPixels } = options;
    return this.#run(signal, (stop) =>
      this.#admission.photo(input, { maxPixels, signal: stop }, async (photo) => ({
        image: await this.#engine.encode(photo, { signal: stop }),
        photo,
      })),
    );
  }

  /** Encodes pixels that `cut` takes from a photo in memory. */
  encodePart(pixels: number, cut: () => RgbImage, signal: AbortSignal | undefined): Promise<EngineImage> {
    return this.#run(signal, (stop) =>
      this.#admission.pixels(pixels, stop, () => this.#engine.encode(cut(), { signal: stop })),
    );
  }

  /** Encodes that wait or are under way reject with `E_DISPOSED`. */
  dispose(): void {
    this.#disposed = true;
    for (const stop of this.#running) stop.abort(disposed());
  }

  /** With a signal that also says when the model is disposed. */
  async #run<T>(signal: AbortSignal | undefined, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#disposed) throw disposed();
    signal?.throwIfAborted();
    const stop = new AbortController();
    const onAbort = () => stop.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#running.add(stop);
    try {
      return await work(stop.signal);
    } finally {
      this.#running.delete(stop);
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

function disposed(): UnSAMError {
  return new UnSAMError("E_DISPOSED", "This model was disposed; load it again.");
}
