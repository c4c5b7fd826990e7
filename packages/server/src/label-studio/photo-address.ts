import { ServiceError } from "../service-error.js";

/** Where Label Studio serves photos: files that were uploaded, of local storage, and of clouds, to which it redirects. */
const OF_PHOTOS = /^\/(data\/|storage-data\/|tasks\/\d+\/(presign|resolve)\/)/;

/** Where Label Studio lies, without a slash at its end: "https://labels.example.com", "http://127.0.0.1:8080/studio". */
export class LabelStudioAddress {
  readonly #base: URL;

  constructor(url: string) {
    this.#base = new URL(`${url.replace(/\/+$/, "")}/`);
  }

  get origin(): string {
    return this.#base.origin;
  }

  at(path: string): URL {
    return new URL(path.replace(/^\/+/, ""), this.#base);
  }

  /** Whether Label Studio serves photos there; of its other addresses none is asked for. */
  servesPhotos(url: URL): boolean {
    const { origin, pathname } = this.#base;
    return (
      url.origin === origin &&
      url.pathname.startsWith(pathname) &&
      OF_PHOTOS.test(url.pathname.slice(pathname.length - 1))
    );
  }

  /** The address of a photo, as a task's data say it. Throws `E_URL`. */
  ofPhoto(value: unknown, task: unknown): string {
    if (typeof value !== "string" || value === "") throw refused("The task holds no address of a photo");
    if (/^https?:\/\//i.test(value)) return value;
    if (/^(s3|gs|azure-blob):\/\//i.test(value)) {
      if (!Number.isSafeInteger(task)) throw refused("A task with a photo in a cloud needs its number");
      const name = Buffer.from(value).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
      return this.at(`tasks/${task}/presign/?fileuri=${encodeURIComponent(name)}`).href;
    }
    if (/^\/?upload\//.test(value)) return this.at(`data/${value.replace(/^\//, "")}`).href;
    if (!value.startsWith("/") || value.startsWith("//")) {
      throw refused("The address of a photo begins with http, https, s3, gs, azure-blob or /data/");
    }
    const { pathname } = this.#base;
    return this.at(value.startsWith(pathname) ? value.slice(pathname.length) : value).href;
  }
}

function refused(problem: string): ServiceError {
  return new ServiceError(422, "E_URL", `${problem}.`);
}
