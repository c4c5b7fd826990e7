import { busy, ServiceError } from "../service-error.js";

/** Counts bytes that are held at one time, and refuses what would be too many. */
export class ByteRoom {
  readonly limit: number;
  readonly #what: string;
  #bytes = 0;

  /** `what` begins the sentence about a piece that never fits: "The masks of this call". */
  constructor(limit: number, what: string) {
    this.limit = limit;
    this.#what = what;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws 413 for more than all the room, 503 where others hold too much. */
  take(bytes: number): void {
    if (bytes > this.limit) {
      throw new ServiceError(
        413,
        "E_TOO_LARGE",
        `${this.#what} would take ${bytes} bytes; at most ${this.limit} are allowed.`,
      );
    }
    if (this.#bytes + bytes > this.limit) throw busy(2);
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
