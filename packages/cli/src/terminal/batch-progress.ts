import { duration } from "./duration.js";
import { rewritesRow, tell } from "./output.js";
import { StatusRow } from "./progress.js";

/** Without a terminal a line is written at most this often. */
const QUIET_MS = 2000;

/** Tells on standard error how far a batch is, how fast it goes and how long it will take. */
export class BatchProgress {
  readonly #total: number;
  readonly #what: string;
  readonly #started = performance.now();
  readonly #row: StatusRow;
  #done = 0;
  #told = Number.NEGATIVE_INFINITY;

  /** `what` is counted. */
  constructor(total: number, what = "images") {
    this.#total = total;
    this.#what = what;
    this.#row = new StatusRow(`0/${total}`);
    if (total > 0) this.#row.start();
  }

  /** One more is done, well or not. */
  step(name: string): void {
    this.reach(this.#done + 1, name);
  }

  /** So many are done. */
  reach(done: number, name: string): void {
    this.#done = done;
    const text = `${this.#done}/${this.#total} ${name}, ${this.#pace()}`;
    this.#row.text = text;
    if (rewritesRow) return;
    const now = performance.now();
    if (now - this.#told < QUIET_MS && this.#done < this.#total) return;
    this.#told = now;
    tell(text);
  }

  stop(): void {
    this.#row.stop();
  }

  #pace(): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const left = (seconds / this.#done) * (this.#total - this.#done);
    const rate = this.#done / seconds;
    return `${rate < 10 ? rate.toPrecision(2) : rate.toFixed(0)} ${this.#what}/s, ${duration(left)} left`;
  }
}
