import type { PackedMask } from "../mask/index.js";

const SLAB_BYTES = 4 * 2 ** 20;

/**
 * Keeps many small masks in few large buffers. Tens of thousands of buffers of a kilobyte each, left over between the large
 * ones that tiles come and go with, would keep the C library from giving those back: the process then grows with each tile.
 */
export class MaskShelf {
  #slab = new Uint8Array(0);
  #used = 0;

  /** The same mask, its data copied to the shelf. */
  keep(mask: PackedMask): PackedMask {
    const { length } = mask.data;
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, length));
      this.#used = 0;
    }
    const data = this.#slab.subarray(this.#used, this.#used + length);
    data.set(mask.data);
    this.#used += length;
    return { ...mask, data };
  }
}
