import { readImageHeader } from "@unsam/core/image";
import { type EncodedImage, UnSAM } from "@unsam/sdk";
import { bytesToEncode, ImageCache, imageName, type Lease, SpillFolder } from "@unsam/sdk/image-cache";
import { ByteRoom } from "./admission/byte-room.js";
import { SharedWork } from "./admission/shared-work.js";
import { WorkQueue } from "./admission/work-queue.js";
import type { Photo } from "./images/photo.js";
import { Metrics } from "./metrics/metrics.js";
import type { ParsedLimits, ParsedServiceOptions } from "./options.js";
import { ImageFetcher } from "./remote/fetch-image.js";
import { busy, noImage, stopping } from "./service-error.js";

/** A request, as far as its work depends on it. */
export interface Caller {
  /** When it came in, `performance.now()`. */
  readonly since: number;
  /** Aborted when it has gone, or the service gives up. */
  readonly signal: AbortSignal;
}

/** A model, the images it has encoded, and the limits on both: what the routes work with. */
export class Service {
  readonly unsam: UnSAM;
  readonly limits: ParsedLimits;
  readonly metrics = new Metrics();
  readonly uploads: ByteRoom;
  readonly masks: ByteRoom;
  /** Photos that are encoded, and whole images. */
  readonly encodes: WorkQueue;
  /** Clicks and ladders; they never wait for the others. */
  readonly clicks: WorkQueue;
  readonly fetcher: ImageFetcher | null;
  readonly #ownsModel: boolean;
  readonly #images: ImageCache;
  readonly #spill: SpillFolder | null;
  readonly #shared = new SharedWork();
  readonly #givenUp = new AbortController();
  readonly #whenIdle = new Set<() => void>();
  #inFlight = 0;
  #isStopping = false;

  private constructor(unsam: UnSAM, options: ParsedServiceOptions, spill: SpillFolder | null) {
    const { limits, cache, urls } = options;
    this.unsam = unsam;
    this.limits = limits;
    this.#ownsModel = options.unsam === undefined;
    this.#spill = spill;
    this.#images = new ImageCache({ bytes: cache.bytes, ttlMs: cache.ttlMs, spill });
    this.uploads = new ByteRoom(limits.uploadBytes, "The photo");
    this.masks = new ByteRoom(limits.maskBytes, "The masks of this call");
    const withinMs = limits.answerWithinMs;
    this.encodes = new WorkQueue({
      atOnce: limits.encodesAtOnce,
      mostWaiting: limits.encodesWaiting,
      withinMs,
    });
    this.clicks = new WorkQueue({
      atOnce: limits.clicksAtOnce,
      mostWaiting: limits.clicksWaiting,
      withinMs,
    });
    this.fetcher = urls && urls.hosts.length > 0 ? new ImageFetcher(urls) : null;
    this.metrics.read({
      queues: { encodes: this.encodes, clicks: this.clicks },
      bytes: {
        images: () => this.#images.bytes,
        spilled: () => this.#spill?.bytes ?? 0,
        uploads: () => this.uploads.bytes,
        masks: () => this.masks.bytes,
      },
      images: { memory: () => this.#images.size, disk: () => this.#spill?.size ?? 0 },
    });
  }

  /** Throws what `UnSAM.load` throws, `E_IO` for the folder of images. */
  static async open(options: ParsedServiceOptions): Promise<Service> {
    const { spill, spillBytes } = options.cache;
    const folder = spill ? await SpillFolder.open(spill, spillBytes, options.limits.pixels) : null;
    const service = new Service(options.unsam ?? (await UnSAM.load(options.load)), options, folder);
    if (options.measure) await service.#measure();
    return service;
  }

  /** A checkpoint's name is its path, which is nobody's business. */
  get modelName(): string {
    return this.unsam.model.name.split(/[\\/]/).at(-1)!;
  }

  /** What may be told to a client of a text that may name the model. */
  told(text: string): string {
    return text.replaceAll(this.unsam.model.name, this.modelName);
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** A request has been accepted; call what is returned when it has been answered. Throws 503 once the service stops. */
  begin(): () => void {
    if (this.#isStopping) throw stopping();
    this.#inFlight++;
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      this.#inFlight--;
      if (this.#inFlight === 0) for (const done of this.#whenIdle) done();
    };
  }

  /** Takes no more requests, and waits for those that it took; what is not done in time is given up. */
  async drain(graceMs: number): Promise<void> {
    this.#isStopping = true;
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#whenIdle.delete(done);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#givenUp.abort(stopping());
        // They have a moment to be told so.
        setTimeout(done, 500);
      }, graceMs);
      this.#whenIdle.add(done);
    });
  }

  async close(): Promise<void> {
    this.#isStopping = true;
    this.#givenUp.abort(stopping());
    await this.#images.close();
    if (this.#ownsModel) await this.unsam.dispose();
  }

  /** Aborted when the client has gone, the time is over, or the service gives up. */
  signalFor(gone: AbortSignal, milliseconds: number): AbortSignal {
    return AbortSignal.any([gone, AbortSignal.timeout(milliseconds), this.#givenUp.signal]);
  }

  /**
   * Encodes a photo, once for all who send it; the lease keeps the image. Throws `E_BAD_IMAGE`, 503, or the signal's
   * reason.
   */
  async encode({ bytes, digest }: Photo, caller: Caller): Promise<Lease & { readonly id: string }> {
    const id = imageName(this.unsam, digest);
    const kept = await this.#find(id, caller.signal);
    if (kept) return { ...kept, id };
    await this.#shared.run(id, caller.signal, (stop) => this.#lookAt(id, bytes, caller.since, stop));
    return { ...this.#leaseOrBusy(id), id };
  }

  /** An image that was encoded before. Throws 404. */
  async lease(id: string, signal: AbortSignal): Promise<Lease> {
    const found = await this.#find(id, signal);
    if (!found) throw noImage();
    return found;
  }

  delete(id: string): Promise<boolean> {
    return this.#images.delete(id);
  }

  async #find(id: string, signal: AbortSignal): Promise<Lease | null> {
    const held = this.#images.lease(id);
    if (held) {
      this.metrics.looked("memory");
      return held;
    }
    const spill = this.#spill;
    if (!spill?.has(id)) {
      this.metrics.looked("none");
      return null;
    }
    const loaded = await this.#shared.run(`load ${id}`, signal, (stop) => this.#load(id, spill, stop));
    this.metrics.looked(loaded ? "disk" : "none");
    return loaded ? this.#leaseOrBusy(id) : null;
  }

  async #load(id: string, spill: SpillFolder, stop: AbortSignal): Promise<boolean> {
    if (this.#images.has(id)) return true;
    const about = { bytes: spill.bytesOf(id), waitMs: this.limits.answerWithinMs / 2 };
    try {
      const load = async () => {
        const image = await spill.read(this.unsam, id, stop);
        if (!image) throw noImage();
        return image;
      };
      await this.#keep(id, about, () => this.metrics.time("load", load));
      return true;
    } catch (problem) {
      if (problem instanceof Error && "code" in problem && problem.code === "E_NO_IMAGE") return false;
      throw problem;
    }
  }

  async #lookAt(id: string, photo: Uint8Array, since: number, stop: AbortSignal): Promise<void> {
    const { width, height } = await readImageHeader(photo, "The photo", stop);
    const signal = this.signalFor(stop, this.limits.workMs);
    const maxPixels = this.limits.pixels;
    const encode = () => this.metrics.time("encode", () => this.unsam.encode(photo, { maxPixels, signal }));
    const pixels = width * height;
    // Too large a one: this says so at once, without encoding it.
    if (pixels > maxPixels) await (await encode()).dispose();
    const end = await this.metrics.time("wait", () => this.encodes.enter(photoCost(pixels), since, signal));
    try {
      const bytes = bytesToEncode({ width, height });
      await this.#keep(id, { bytes, waitMs: this.limits.answerWithinMs / 2 }, encode);
    } finally {
      end();
    }
  }

  async #keep(
    id: string,
    about: { readonly bytes: number; readonly waitMs: number },
    make: () => Promise<EncodedImage>,
  ): Promise<void> {
    if (!(await this.#images.add(id, about, make))) throw busy(2);
  }

  #leaseOrBusy(id: string): Lease {
    const lease = this.#images.lease(id);
    // Others pushed it out already.
    if (!lease) throw busy(1);
    return lease;
  }

  /** Encodes a photo of one megapixel and clicks on it, to know how long that takes here once everything is loaded. */
  async #measure(): Promise<void> {
    const [width, height] = [1200, 900];
    const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      return 128 + 60 * Math.sin(x / 50) + 60 * Math.cos(y / 40 + (i % 3));
    });
    const signal = new AbortController().signal;
    const encode = () => this.unsam.encode({ data, width, height, channels: 3 });
    const first = await encode();
    const ask = () => first.segment({ points: [[600, 450]] });
    await ask();
    await this.clicks.run(clickCost(width * height), performance.now(), signal, ask);
    await first.dispose();
    const cost = photoCost(width * height);
    const second = await this.encodes.run(cost, performance.now(), signal, encode);
    await second.dispose();
  }
}

/** What a photo costs: the tree is grown at one size; decoding, and finding its borders at full size, take most of the time. */
function photoCost(pixels: number): number {
  return 0.3 + pixels / 1e6;
}

/** What the masks of an image of so many pixels cost: each is painted at full size. */
export function clickCost(pixels: number, masks = 1): number {
  return 0.5 + (masks * pixels) / 1e6;
}

/** What all masks of an image cost beside a photo of its size: the network is asked many times. */
export function everythingCost(pixels: number): number {
  return 3 * (0.3 + pixels / 1e6);
}
