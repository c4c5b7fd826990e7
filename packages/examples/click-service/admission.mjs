/** What a service answers when it cannot take more: try again after so many seconds. */
export class Busy extends Error {
  statusCode = 503;
  code = "E_BUSY";

  constructor(seconds) {
    super(`Too much is being worked on; try again in ${seconds} s.`);
    this.retryAfter = seconds;
  }
}

/** Of what was measured the slowest counts, but less and less: it halves in this time. */
const HALF_LIFE_MS = 30_000;
/** Work is not always as fast as it was. */
const MARGIN = 1.5;

/**
 * Takes work only while it can be done in time, judged by how long such work took before. Work has a cost in units of the
 * caller's choice, megapixels for example, and is taken to be done one after the other.
 */
export class Admission {
  #withinMs;
  #units = 0;
  #msPerUnit = 0;
  #measuredAt = performance.now();
  /** When the last work ended: the next one has had the machine to itself only since then. */
  #lastEnd = 0;

  constructor({ withinMs }) {
    this.#withinMs = withinMs;
  }

  /** Throws `Busy` where not even the smallest work could be done in time. */
  check() {
    const wait = this.#estimate(this.#units);
    if (this.#units > 0 && wait >= this.#withinMs) throw new Busy(seconds(wait));
  }

  /** Runs `work` of some cost for a request that came in at `since`. Throws `Busy` instead where it would come too late. */
  async run(cost, since, work) {
    const left = this.#withinMs - (performance.now() - since);
    if (this.#estimate(this.#units + cost) > left) throw new Busy(seconds(this.#estimate(this.#units)));
    this.#units += cost;
    const start = performance.now();
    try {
      const result = await work();
      this.#measure((performance.now() - Math.max(start, this.#lastEnd)) / cost);
      return result;
    } finally {
      this.#units -= cost;
      this.#lastEnd = performance.now();
    }
  }

  #estimate(units) {
    return MARGIN * units * this.#rate();
  }

  #rate() {
    return this.#msPerUnit * 0.5 ** ((performance.now() - this.#measuredAt) / HALF_LIFE_MS);
  }

  #measure(msPerUnit) {
    const before = this.#rate();
    this.#msPerUnit = Math.max(msPerUnit, before);
    this.#measuredAt = performance.now();
  }
}

function seconds(milliseconds) {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
