import { type Priority, PriorityLine, type Server } from "./priority-line.js";

export interface TurnOptions<Result> {
  readonly priority: Priority;
  readonly signal?: AbortSignal | undefined;
  /** Called with a result that came after its caller had given up, to release what it holds. */
  readonly discard?: (result: Result) => void;
}

interface Waiting {
  readonly priority: Priority;
  start(): void;
}

/** Work that this thread starts in the order of a `PriorityLine`: one at a time, or a few. */
export class Turns {
  readonly #line = new PriorityLine<Waiting>();
  readonly #server: Server = { passed: 0 };
  readonly #atOnce: number;
  #running = 0;

  constructor(atOnce = 1) {
    this.#atOnce = atOnce;
  }

  /**
   * Runs `work` when its turn comes. Rejects with the signal's reason as soon as it is aborted: work that waits never
   * starts then, work under way keeps its turn until it ends.
   */
  run<Result>(work: () => Promise<Result>, options: TurnOptions<Result>): Promise<Result> {
    const { priority, signal, discard } = options;
    return new Promise<Result>((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        this.#line.remove(waiting);
        reject(signal?.reason);
      };
      const waiting: Waiting = {
        priority,
        start: () => {
          this.#running++;
          // A throw before the first await is a rejection like any other.
          Promise.resolve()
            .then(work)
            .then((result) => {
              if (signal?.aborted) discard?.(result);
              else resolve(result);
            }, reject)
            .finally(() => {
              signal?.removeEventListener("abort", onAbort);
              this.#running--;
              this.#next();
            });
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#line.add(waiting);
      this.#next();
    });
  }

  #next(): void {
    if (this.#running < this.#atOnce) this.#line.take(this.#server)?.start();
  }
}
