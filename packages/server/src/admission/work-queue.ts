import { busy } from "../service-error.js";

/** The share of a new measurement in the mean, and in the mean deviation. */
const NEWS = 1 / 4;
/** How many mean deviations above the mean work is taken to need. */
const DEVIATIONS = 2;
/** Where all is refused nothing is measured: while there is no work, what was slow is taken to be over, by half in this time. */
const HALF_LIFE_MS = 10_000;

export interface QueueOptions {
  /** How many works run side by side. */
  readonly atOnce: number;
  /** How many wait behind them. */
  readonly mostWaiting: number;
  /** What would not be done this long after its request came in is refused. */
  readonly withinMs: number;
}

interface Waiting {
  enter(): void;
}

/**
 * Takes work while it can be done in time, first come, first served. Work has a cost in units of the caller's choice,
 * megapixels for example; how long a unit takes is measured.
 */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  /** Of all work that runs or waits. */
  #units = 0;
  /** Milliseconds a unit: of what was measured the mean, and the mean distance from it. */
  #mean = 0;
  #deviation = 0;
  /** When the last work ended: the next one has had the machine to itself only since then. */
  #lastEnd = performance.now();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Throws 503 where not even the smallest work could be done in time: said before a body is read. */
  check(): void {
    const wait = this.#estimate(this.#units);
    const isFull = this.#running >= this.#options.atOnce && this.waiting >= this.#options.mostWaiting;
    if (isFull || (this.#units > 0 && wait >= this.#options.withinMs)) throw busy(wait / 1000);
  }

  /**
   * Waits for its turn, and resolves to a function that ends the work. `since`: when the request came in
   * (`performance.now()`). Throws 503, or the signal's reason.
   */
  async enter(cost: number, since: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    this.check();
    const left = this.#options.withinMs - (performance.now() - since);
    if (this.#estimate(this.#units + cost) > left) throw busy(this.#estimate(this.#units) / 1000);
    this.#units += cost;
    try {
      await this.#turn(signal);
    } catch (gone) {
      this.#units -= cost;
      throw gone;
    }
    const start = performance.now();
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      this.#measure((performance.now() - Math.max(start, this.#lastEnd)) / cost);
      this.#units -= cost;
      this.#lastEnd = performance.now();
      this.#running--;
      this.#next();
    };
  }

  async run<T>(cost: number, since: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const end = await this.enter(cost, since, signal);
    try {
      return await work();
    } finally {
      end();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting = {
        enter: () => {
          signal.removeEventListener("abort", onAbort);
          this.#running++;
          resolve();
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  #next(): void {
    while (this.#running < this.#options.atOnce) {
      const first = this.#waiting.shift();
      if (!first) return;
      first.enter();
    }
  }

  #estimate(units: number): number {
    const idle = this.#units > 0 ? 0 : performance.now() - this.#lastEnd;
    return units * (this.#mean + DEVIATIONS * this.#deviation) * 0.5 ** (idle / HALF_LIFE_MS);
  }

  /** As a network connection estimates how long an answer takes (RFC 6298): the mean, and how far from it they lie. */
  #measure(msPerUnit: number): void {
    const isFirst = this.#mean === 0;
    const distance = Math.abs(msPerUnit - this.#mean);
    this.#deviation = isFirst ? msPerUnit / 8 : this.#deviation + NEWS * (distance - this.#deviation);
    this.#mean = isFirst ? msPerUnit : this.#mean + NEWS * (msPerUnit - this.#mean);
  }
}
