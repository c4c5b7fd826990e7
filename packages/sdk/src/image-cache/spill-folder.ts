import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { makePrivateFolder } from "@unsam/core/files";
import { EncodedImage } from "../encoded-image.js";
import type { UnSAM } from "../unsam.js";

const NAME = /^([0-9a-f]{64})\.safetensors$/;

interface Spilled {
  readonly bytes: number;
  lastUse: number;
}

/** Encoded images on disk: bounded by bytes, least recently used first. A name is that of the image with its model. */
export class SpillFolder {
  readonly #folder: string;
  readonly #mostBytes: number;
  readonly #maxPixels: number;
  /** Least recently used first. */
  readonly #files = new Map<string, Spilled>();
  readonly #writing = new Map<string, Promise<void>>();
  #bytes = 0;

  private constructor(folder: string, mostBytes: number, maxPixels: number) {
    this.#folder = folder;
    this.#mostBytes = mostBytes;
    this.#maxPixels = maxPixels;
  }

  /** What an earlier run has left there is used again. Throws `E_IO`. */
  static async open(folder: string, mostBytes: number, maxPixels: number): Promise<SpillFolder> {
    await makePrivateFolder(folder);
    const spill = new SpillFolder(folder, mostBytes, maxPixels);
    const found: [string, number, number][] = [];
    for (const name of await readdir(folder)) {
      const id = NAME.exec(name)?.[1];
      if (id === undefined) continue;
      const { size, mtimeMs } = await stat(path.join(folder, name));
      found.push([id, size, mtimeMs]);
    }
    for (const [id, bytes, lastUse] of found.sort((a, b) => a[2] - b[2])) spill.#keep(id, { bytes, lastUse });
    await spill.#shrink();
    return spill;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#files.size;
  }

  has(id: string): boolean {
    return this.#files.has(id) || this.#writing.has(id);
  }

  /** What a file takes; 0 where there is none, or none yet. */
  bytesOf(id: string): number {
    return this.#files.get(id)?.bytes ?? 0;
  }

  /** Writes an image where it is not there yet. An image that cannot be written is not kept. */
  async write(id: string, image: EncodedImage): Promise<void> {
    if (this.has(id)) return;
    const file = this.#path(id);
    const writing = image.save(file).then(
      async () => this.#keep(id, { bytes: (await stat(file)).size, lastUse: Date.now() }),
      () => {},
    );
    this.#writing.set(id, writing);
    await writing;
    this.#writing.delete(id);
    await this.#shrink();
  }

  /** Reads an image; null where it is not there, or cannot be used (any more). */
  async read(unsam: UnSAM, id: string, signal: AbortSignal): Promise<EncodedImage | null> {
    await this.#writing.get(id);
    const found = this.#files.get(id);
    if (!found) return null;
    this.#files.delete(id);
    this.#files.set(id, { ...found, lastUse: Date.now() });
    try {
      return await EncodedImage.load(unsam, this.#path(id), { maxPixels: this.#maxPixels, signal });
    } catch (problem) {
      signal.throwIfAborted();
      if (!UnSAMError.isInstance(problem)) throw problem;
      await this.delete(id);
      return null;
    }
  }

  async delete(id: string): Promise<boolean> {
    await this.#writing.get(id);
    const found = this.#files.get(id);
    if (!found) return false;
    this.#files.delete(id);
    this.#bytes -= found.bytes;
    await rm(this.#path(id), { force: true });
    return true;
  }

  async deleteUnusedSince(time: number): Promise<void> {
    for (const [id, { lastUse }] of [...this.#files]) if (lastUse < time) await this.delete(id);
  }

  #keep(id: string, file: Spilled): void {
    this.#files.set(id, file);
    this.#bytes += file.bytes;
  }

  async #shrink(): Promise<void> {
    for (const id of [...this.#files.keys()]) {
      if (this.#bytes <= this.#mostBytes) return;
      await this.delete(id);
    }
  }

  #path(id: string): string {
    return path.join(this.#folder, `${id}.safetensors`);
  }
}
