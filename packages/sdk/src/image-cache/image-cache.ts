import type { EncodedImage } from "../encoded-image.js";
import type { SpillFolder } from "./spill-folder.js";

export interface ImageCacheOptions {
  /** What all images together hold in memory; one alone may be larger. */
  readonly bytes: number;
  /** An image that nobody has used for so long goes. */
  readonly ttlMs: number;
  readonly spill: SpillFolder | null;
}

/** An image in use: it stays until `release`. */
export interface Lease {
  readonly image: EncodedImage;
  release(): void;
}

interface Entry {
  readonly image: EncodedImage;
  /** As it was counted. */
  readonly bytes: number;
  users: number;
  lastUse: number;
  isGone: boolean;
}

/** How often expired images are looked for, at most. */
const SWEEP_MS = 30_000;

/**
 * Encoded images by name; the least recently used go first when together they hold too many bytes. Images in the making
 * count, and so does one that had to go while it was in use, until its last user is done.
 */
export class ImageCache {
  readonly #options: ImageCacheOptions;
  /** Least recently used first: a Map keeps the order in which keys were set. */
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Set<() => void>();
  readonly #sweep: NodeJS.Timeout;
  #bytes = 0;

  constructor(options: ImageCacheOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => void this.#removeExpired(), Math.min(options.ttlMs, SWEEP_MS));
    this.#sweep.unref();
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /**
   * Makes an image of about so many bytes and keeps it. Room is made before: idle images go, those in use are waited for.
   * False where there was no room in `waitMs`; throws what `make` throws.
   */
  async add(
    id: string,
    about: { readonly bytes: number; readonly waitMs: number },
    make: () => Promise<EncodedImage>,
  ): Promise<boolean> {
    if (!(await this.#takeRoom(about))) return false;
    let image: EncodedImage;
    try {
      image = await make();
    } finally {
      this.#free(about.bytes);
    }
    const { bytes } = image;
    this.#bytes += bytes;
    this.#entries.set(id, { image, bytes, users: 0, lastUse: Date.now(), isGone: false });
    return true;
  }

  /** null: there is no image of that name in memory. */
  lease(id: string): Lease | null {
    const entry = this.#entries.get(id);
    if (!entry) return null;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    entry.users++;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      entry.users--;
      entry.lastUse = Date.now();
      if (entry.users > 0) return;
      if (entry.isGone) void this.#dispose(entry);
      else this.#tellWaiting();
    };
    return { image: entry.image, release };
  }

  /** Forgets an image, in memory and on disk; false where there was none. */
  async delete(id: string): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (entry) this.#forget(id, entry);
    const wasSpilled = (await this.#options.spill?.delete(id)) ?? false;
    if (entry && entry.users === 0) await this.#dispose(entry);
    return entry !== undefined || wasSpilled;
  }

  /** Ends: images that nobody uses are released, written to disk first where that is asked for. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    for (const [id, entry] of [...this.#entries]) await this.#push(id, entry);
  }

  /** Counts the bytes as soon as they fit, so that nobody else takes the same room. */
  async #takeRoom({ bytes, waitMs }: { readonly bytes: number; readonly waitMs: number }): Promise<boolean> {
    const until = performance.now() + waitMs;
    for (;;) {
      for (const [id, entry] of [...this.#entries]) {
        if (this.#take(bytes)) return true;
        if (entry.users === 0) await this.#push(id, entry);
      }
      if (this.#take(bytes)) return true;
      const left = until - performance.now();
      if (left <= 0) return false;
      await this.#somethingFreed(left);
    }
  }

  #take(bytes: number): boolean {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#options.bytes) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Out of memory, to disk where that is asked for. */
  async #push(id: string, entry: Entry): Promise<void> {
    if (!this.#forget(id, entry)) return;
    // Is used until it is written.
    entry.users++;
    await this.#options.spill?.write(id, entry.image);
    entry.users--;
    if (entry.users === 0) await this.#dispose(entry);
  }

  #forget(id: string, entry: Entry): boolean {
    if (entry.isGone) return false;
    entry.isGone = true;
    this.#entries.delete(id);
    return true;
  }

  async #dispose(entry: Entry): Promise<void> {
    await entry.image.dispose();
    this.#free(entry.bytes);
  }

  async #removeExpired(): Promise<void> {
    const time = Date.now() - this.#options.ttlMs;
    for (const [id, entry] of [...this.#entries]) {
      if (entry.users === 0 && entry.lastUse < time) await this.delete(id);
    }
    await this.#options.spill?.deleteUnusedSince(time);
  }

  #free(bytes: number): void {
    this.#bytes -= bytes;
    this.#tellWaiting();
  }

  #tellWaiting(): void {
    for (const done of [...this.#waiting]) done();
  }

  #somethingFreed(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.add(done);
    });
  }
}
