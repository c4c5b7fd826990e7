import type { Lease } from "@unsam/sdk/image-cache";
import type { LabelStudioOptions, UrlOptions } from "../options.js";
import { ImageFetcher } from "../remote/fetch-image.js";
import type { Caller, Service } from "../service.js";
import { ServiceError } from "../service-error.js";
import { ApiKey } from "./api-key.js";
import { LabelStudioAddress } from "./photo-address.js";

/** For this long an address is assumed to hold the same photo; else each click would fetch it anew. */
const SAME_PHOTO_MS = 10 * 60_000;
const MOST_KNOWN = 10_000;
const FETCH_MS = 15_000;

/** The photos of tasks: fetched from Label Studio and from the hosts that the service allows, encoded by the service. */
export class TaskPhotos {
  readonly #service: Service;
  readonly #at: LabelStudioAddress;
  readonly #fetcher: ImageFetcher;
  /** Names of images by address, oldest first. */
  readonly #known = new Map<string, { readonly id: string; readonly until: number }>();

  constructor(service: Service, { url, apiKey }: LabelStudioOptions, urls: UrlOptions | undefined) {
    this.#service = service;
    this.#at = new LabelStudioAddress(url);
    const key = apiKey === undefined ? null : new ApiKey(apiKey, this.#at);
    this.#fetcher = new ImageFetcher({
      hosts: urls?.hosts ?? [],
      timeoutMs: urls?.timeoutMs ?? FETCH_MS,
      named: {
        origin: this.#at.origin,
        serves: (address) => this.#at.servesPhotos(address),
        authorization: key && ((signal) => key.header(signal)),
      },
    });
  }

  /** The image of a task; the lease keeps it. Throws `E_URL`, and what `Service.encode` throws. */
  async lease(value: unknown, task: unknown, caller: Caller): Promise<Lease> {
    const address = this.#at.ofPhoto(value, task);
    return (await this.#kept(address, caller.signal)) ?? (await this.#fetch(address, caller));
  }

  async #kept(address: string, signal: AbortSignal): Promise<Lease | null> {
    const known = this.#known.get(address);
    if (!known || known.until < performance.now()) return null;
    try {
      return await this.#service.lease(known.id, signal);
    } catch (problem) {
      if (problem instanceof ServiceError && problem.code === "E_NO_IMAGE") return null;
      throw problem;
    }
  }

  async #fetch(address: string, caller: Caller): Promise<Lease> {
    const { limits, metrics, uploads: room } = this.#service;
    const { signal } = caller;
    const photo = await metrics.time("fetch", () =>
      this.#fetcher.fetch(address, { maxBytes: limits.photoBytes, room, signal }),
    );
    try {
      const { id, ...lease } = await this.#service.encode(photo, caller);
      this.#remember(address, id);
      return lease;
    } finally {
      room.give(photo.bytes.length);
    }
  }

  #remember(address: string, id: string): void {
    this.#known.delete(address);
    this.#known.set(address, { id, until: performance.now() + SAME_PHOTO_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KNOWN) this.#known.delete(oldest);
  }
}
