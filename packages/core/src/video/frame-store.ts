import type { ImageFeatures } from "../decoder/mask-decoder.js";
import { ScratchFile } from "../files/index.js";
import { elementCount, type Tensor } from "../tensor.js";
import { FrameCache } from "./frame-cache.js";
import type { FrameFeatures } from "./video-network.js";

/** Where features of frames lie that memory has no room for. */
export interface SpillOptions {
  /** A folder; it is made where it is missing. */
  readonly folder: string;
  /** Of the file there; the frame that was written first makes room for the newest one. */
  readonly maxBytes: number;
}

/** Makes of an encoder's features what a tracker keeps. */
type MakeReady = (features: ImageFeatures) => Promise<FrameFeatures>;

/**
 * Features of frames: those used last in memory, within `maxBytes`, and all of them on disk where there is a spill. They are written as
 * the encoder gave them, so what comes back has the same bits.
 */
export class FrameStore {
  readonly #memory: FrameCache<FrameFeatures>;
  readonly #makeReady: MakeReady;
  readonly #disk: SpilledFrames | null;

  private constructor(maxBytes: number, makeReady: MakeReady, disk: SpilledFrames | null) {
    this.#memory = new FrameCache(maxBytes);
    this.#makeReady = makeReady;
    this.#disk = disk;
  }

  /** Throws `E_IO` where nothing can be written to the folder of the spill. */
  static async open(
    maxBytes: number,
    makeReady: MakeReady,
    spill: SpillOptions | null = null,
  ): Promise<FrameStore> {
    return new FrameStore(maxBytes, makeReady, spill && (await SpilledFrames.open(spill)));
  }

  has(frame: number): boolean {
    return this.#memory.get(frame) !== null || (this.#disk?.has(frame) ?? false);
  }

  /** null: the frame was not encoded, or there was no room for it. Throws `E_IO`. */
  async get(frame: number): Promise<FrameFeatures | null> {
    const known = this.#memory.get(frame);
    if (known !== null || !this.#disk?.has(frame)) return known;
    return this.#keep(frame, await this.#disk.read(frame));
  }

  /** Throws `E_IO`. */
  async add(frame: number, features: ImageFeatures): Promise<void> {
    await this.#disk?.write(frame, features);
    await this.#keep(frame, features);
  }

  async close(): Promise<void> {
    await this.#disk?.close();
  }

  async #keep(frame: number, features: ImageFeatures): Promise<FrameFeatures> {
    const ready = await this.#makeReady(features);
    this.#memory.add(frame, ready);
    return ready;
  }
}

/** Frames in places of one size in a file. */
class SpilledFrames {
  readonly #file: ScratchFile;
  readonly #maxBytes: number;
  /** The place of each frame, in the order in which they were written. */
  readonly #places = new Map<number, number>();
  /** Places that hold no frame, since writing one failed. */
  readonly #free: number[] = [];
  /** The same of all frames of a video. */
  #shapes: readonly (readonly [name: string, shape: readonly number[]])[] = [];

  private constructor(file: ScratchFile, maxBytes: number) {
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  static async open({ folder, maxBytes }: SpillOptions): Promise<SpilledFrames> {
    return new SpilledFrames(await ScratchFile.create(folder), maxBytes);
  }

  has(frame: number): boolean {
    return this.#places.has(frame);
  }

  async write(frame: number, features: ImageFeatures): Promise<void> {
    this.#shapes = mapsOf(features).map(([name, { shape }]) => [name, shape]);
    const { arrays, size } = bytesOf(features);
    const place = this.#placeFor(frame, Math.floor(this.#maxBytes / size));
    if (place === null) return;
    try {
      await this.#file.write(place * size, arrays);
    } catch (cause) {
      this.#free.push(place);
      throw cause;
    }
    this.#places.set(frame, place);
  }

  async read(frame: number): Promise<ImageFeatures> {
    const maps = this.#shapes.map(([name, shape]): [string, Tensor] => [
      name,
      { data: new Float32Array(elementCount(shape)), shape },
    ]);
    const features = Object.fromEntries(maps) as unknown as ImageFeatures;
    const { arrays, size } = bytesOf(features);
    await this.#file.read(this.#places.get(frame)! * size, arrays);
    return features;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** null: the file may not hold a single frame. Until it is written, what had the place is gone. */
  #placeFor(frame: number, most: number): number | null {
    const own = this.#places.get(frame);
    if (own !== undefined) {
      this.#places.delete(frame);
      return own;
    }
    const used = this.#places.size + this.#free.length;
    if (this.#free.length > 0 || used < most) return this.#free.pop() ?? used;
    const [oldest] = this.#places;
    if (oldest === undefined) return null;
    this.#places.delete(oldest[0]);
    return oldest[1];
  }
}

function mapsOf(features: ImageFeatures): [string, Tensor][] {
  return Object.entries(features as unknown as Record<string, Tensor>);
}

/** The bytes of a frame's maps, one after the other, and how many they are. */
function bytesOf(features: ImageFeatures): { arrays: Uint8Array[]; size: number } {
  const arrays = mapsOf(features).map(
    ([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return { arrays, size: arrays.reduce((sum, { length }) => sum + length, 0) };
}
