/** Features of the frames that were encoded last, within so many bytes and frames; the newest one always stays. */
export class FrameCache<Features extends { readonly bytes: number }> {
  readonly #frames = new Map<number, Features>();
  readonly #most: number;
  readonly #mostFrames: number;
  #bytes = 0;

  constructor(mostBytes: number, mostFrames = Number.POSITIVE_INFINITY) {
    this.#most = mostBytes;
    this.#mostFrames = mostFrames;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(frame: number): Features | null {
    const features = this.#frames.get(frame);
    if (!features) return null;
    // Frames in the order of their last use.
    this.#frames.delete(frame);
    this.#frames.set(frame, features);
    return features;
  }

  add(frame: number, features: Features): void {
    this.#drop(frame);
    this.#frames.set(frame, features);
    this.#bytes += features.bytes;
    for (const oldest of this.#frames.keys()) {
      if (this.#frames.size === 1) return;
      if (this.#bytes <= this.#most && this.#frames.size <= this.#mostFrames) return;
      this.#drop(oldest);
    }
  }

  #drop(frame: number): void {
    this.#bytes -= this.#frames.get(frame)?.bytes ?? 0;
    this.#frames.delete(frame);
  }
}
