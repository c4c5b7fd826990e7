import { createHash } from "node:crypto";
import { UnSAMError } from "@unsam/core/errors";
import { readFileBytes } from "@unsam/core/files";
import { checkFormat, readImageHeader } from "@unsam/core/image";
import type { EncodedImage, UnSAM } from "@unsam/sdk";
import { bytesToEncode, ImageCache, imageName, type Lease } from "@unsam/sdk/image-cache";
import type { PhotoFolders } from "./photo-folders.js";

/** As in the service: an image that nobody asks about is kept for so long. */
const TTL_MS = 3_600_000;
/** Larger photos take a host's memory; it may say otherwise. */
const DEFAULT_MAX_PIXELS = 50_000_000;
const MOST_BYTES = 256 * 2 ** 20;
const DEFAULT_CACHE_BYTES = 512 * 2 ** 20;

export interface EncodedPhotosOptions {
  /** Larger photos are refused before they are decoded (default 50 million). */
  readonly maxPixels?: number | undefined;
  /** What images hold in memory, together (default 512 MiB). */
  readonly cacheBytes?: number | undefined;
}

/** Photos that were encoded, in the cache that the service has, too: prompts on the same photo are cheap. */
export class EncodedPhotos implements AsyncDisposable {
  readonly #unsam: UnSAM;
  readonly #folders: PhotoFolders;
  readonly #maxPixels: number;
  readonly #images: ImageCache;
  /** Calls come one by one: memory holds one photo that is being encoded. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    unsam: UnSAM,
    folders: PhotoFolders,
    { maxPixels = DEFAULT_MAX_PIXELS, cacheBytes = DEFAULT_CACHE_BYTES }: EncodedPhotosOptions = {},
  ) {
    this.#unsam = unsam;
    this.#folders = folders;
    this.#maxPixels = maxPixels;
    this.#images = new ImageCache({ bytes: cacheBytes, ttlMs: TTL_MS, spill: null });
  }

  /** Works on a photo by its name, when the calls before are done. Throws `E_BAD_IMAGE`, or the signal's reason. */
  use<T>(name: string, signal: AbortSignal, act: (image: EncodedImage) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      signal.throwIfAborted();
      const { image, release } = await this.#lease(name, signal);
      try {
        return await act(image);
      } finally {
        release();
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #lease(name: string, signal: AbortSignal): Promise<Lease> {
    const file = await this.#folders.find(name);
    const bytes = await readFileBytes(file, {
      what: "The photo",
      code: "E_BAD_IMAGE",
      maxBytes: MOST_BYTES,
      signal,
      look: (head) => checkFormat(head, `The photo ${name}`),
    });
    const id = imageName(this.#unsam, createHash("sha256").update(bytes).digest("hex"));
    const kept = this.#images.lease(id);
    if (kept) return kept;
    const encode = () => this.#unsam.encode(bytes, { maxPixels: this.#maxPixels, signal });
    const size = await readImageHeader(bytes, `The photo ${name}`, signal);
    // Too large a one: this says so at once, without encoding it.
    if (size.width * size.height > this.#maxPixels) await (await encode()).dispose();
    // Calls come one by one, so nobody holds the room.
    await this.#images.add(id, { bytes: bytesToEncode(size), waitMs: 0 }, encode);
    const made = this.#images.lease(id);
    if (made) return made;
    throw new UnSAMError("E_OUT_OF_MEMORY", `There is no room for the photo ${name}; ask again.`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#images.close();
  }
}
