/** How often a log that is no terminal hears of it. */
const PATIENCE_MS = 15_000;

/** Tells on standard error how far counted work has come: one line that is rewritten, or now and then a new one. */
export class CountedProgress {
  #started = 0;
  #lastTold = 0;
  #step = "";

  tell(step: string, done: number, total: number, unit: string): void {
    const now = performance.now();
    if (step !== this.#step) {
      this.#step = step;
      this.#started = now;
      this.#lastTold = Number.NEGATIVE_INFINITY;
    }
    const left = done > 0 ? ((now - this.#started) / done) * (total - done) : Number.NaN;
    const time = done > 0 && done < total ? `, ${duration(left)} left` : "";
    const line = `${step}: ${done} of ${total} ${unit}${time}`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K`);
    else if (now - this.#lastTold > PATIENCE_MS) {
      this.#lastTold = now;
      process.stderr.write(`- ${line}\n`);
    }
  }

  /** Clears the line. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}

function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
