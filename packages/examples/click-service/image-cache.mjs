import { Busy } from "./admission.mjs";

/**
 * Encoded images by name, the least recently used ones going first when together they hold more than so many bytes.
 * Images that are being made count, and so does one that had to go while it was in use, until its last user is done. One
 * image may be larger than all the room, if it is alone.
 */
export class ImageCache {
  #limit;
  #bytes = 0;
  /** Least recently used first: a Map keeps the order in which keys were set. */
  #entries = new Map();
  #waiting = new Set();

  constructor(limit) {
    this.#limit = limit;
  }

  get size() {
    return this.#entries.size;
  }

  get bytes() {
    return this.#bytes;
  }

  has(name) {
    return this.#entries.has(name);
  }

  /**
   * Makes an image of about so many bytes and keeps it. Room is made before: idle images go, those in use are waited for.
   * Throws `Busy` where there is no room in `waitMs`, and what `make` throws.
   */
  async add(name, bytes, waitMs, make) {
    await this.#makeRoom(bytes, waitMs);
    this.#bytes += bytes;
    let image;
    try {
      image = await make();
    } finally {
      this.#free(bytes);
    }
    this.#bytes += image.bytes;
    this.#entries.set(name, { image, users: 0, gone: false });
  }

  /** Runs `work` with the image of that name; undefined where there is none. */
  async use(name, work) {
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.users++;
    try {
      return await work(entry.image);
    } finally {
      entry.users--;
      if (entry.gone && entry.users === 0) await this.#dispose(entry);
    }
  }

  async clear() {
    for (const [name, entry] of [...this.#entries]) await this.#remove(name, entry);
  }

  async #makeRoom(bytes, waitMs) {
    const until = performance.now() + waitMs;
    for (;;) {
      for (const [name, entry] of [...this.#entries]) {
        if (this.#fits(bytes)) return;
        await this.#remove(name, entry);
      }
      if (this.#fits(bytes)) return;
      const left = until - performance.now();
      if (left <= 0) throw new Busy(2);
      await this.#somethingFreed(left);
    }
  }

  #fits(bytes) {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#limit;
  }

  #somethingFreed(milliseconds) {
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

  #free(bytes) {
    this.#bytes -= bytes;
    for (const done of [...this.#waiting]) done();
  }

  async #remove(name, entry) {
    this.#entries.delete(name);
    entry.gone = true;
    if (entry.users === 0) await this.#dispose(entry);
  }

  async #dispose({ image }) {
    await image.dispose();
    this.#free(image.bytes);
  }
}
