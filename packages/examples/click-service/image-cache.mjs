/**
 * Encoded images by name, the least recently used ones going first when together they hold more than so many bytes.
 * One that is in use when it has to go is disposed once its last user is done.
 */
export class ImageCache {
  #limit;
  #bytes = 0;
  /** Least recently used first: a Map keeps the order in which keys were set. */
  #entries = new Map();

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

  /** Takes an image over; it is disposed when it has to make room. */
  async add(name, image) {
    const entry = { image, users: 0, gone: false };
    const before = this.#entries.get(name);
    if (before) await this.#remove(name, before);
    this.#entries.set(name, entry);
    this.#bytes += image.bytes;
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#limit || old === entry) break;
      await this.#remove(oldest, old);
    }
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
      if (entry.gone && entry.users === 0) await entry.image.dispose();
    }
  }

  async clear() {
    for (const [name, entry] of [...this.#entries]) await this.#remove(name, entry);
  }

  async #remove(name, entry) {
    this.#entries.delete(name);
    this.#bytes -= entry.image.bytes;
    entry.gone = true;
    if (entry.users === 0) await entry.image.dispose();
  }
}
