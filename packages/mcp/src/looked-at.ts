import { createHash } from "node:crypto";
import { readFileBytes } from "@unsam/core/files";
import { checkFormat } from "@unsam/core/image";
import type { EncodedImage, UnSAM } from "@unsam/sdk";
import type { PhotoFolders } from "./photo-folders.js";

/** A conversation is about few photos, and each holds memory. */
const MOST_IMAGES = 4;
/** Larger photos take a host's memory; it may say otherwise. */
export const DEFAULT_MAX_PIXELS = 50_000_000;
const MOST_BYTES = 256 * 2 ** 20;

/** Photos that were looked at, the latest ones: prompts on the same photo are cheap. */
export class LookedAt implements AsyncDisposable {
  readonly #unsam: UnSAM;
  readonly #folders: PhotoFolders;
  readonly #maxPixels: number;
  readonly #images = new Map<string, EncodedImage>();
  /** Calls come one by one: memory holds one photo that is being looked at. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(unsam: UnSAM, folders: PhotoFolders, maxPixels: number = DEFAULT_MAX_PIXELS) {
    this.#unsam = unsam;
    this.#folders = folders;
    this.#maxPixels = maxPixels;
  }

  /** Works on a photo by its name, when the calls before are done. Throws `E_BAD_IMAGE`, or the signal's reason. */
  use<T>(name: string, signal: AbortSignal, act: (image: EncodedImage) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      signal.throwIfAborted();
      return act(await this.#image(name, signal));
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #image(name: string, signal: AbortSignal): Promise<EncodedImage> {
    const file = await this.#folders.find(name);
    const bytes = await readFileBytes(file, {
      what: "The photo",
      code: "E_BAD_IMAGE",
      maxBytes: MOST_BYTES,
      signal,
      look: (head) => checkFormat(head, `The photo ${name}`),
    });
    const id = createHash("sha256").update(bytes).digest("hex");
    const image =
      this.#images.get(id) ?? (await this.#unsam.encode(bytes, { maxPixels: this.#maxPixels, signal }));
    // The latest is the last.
    this.#images.delete(id);
    this.#images.set(id, image);
    for (const [old, oldest] of this.#images) {
      if (this.#images.size <= MOST_IMAGES) break;
      this.#images.delete(old);
      await oldest.dispose();
    }
    return image;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    for (const image of this.#images.values()) await image.dispose();
    this.#images.clear();
  }
}
