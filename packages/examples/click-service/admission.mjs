/** What a service answers when it cannot take more: try again after so many seconds. */
export class Busy extends Error {
  statusCode = 503;
  code = "E_BUSY";

  constructor(seconds) {
    super(`Too much is being worked on; try again in ${seconds} s.`);
    this.retryAfter = seconds;
  }
}

/** The share of a new measurement in the mean, and in the mean deviation. */
const NEWS = 1 / 4;
/** How many mean deviations above the mean work is taken to need. */
const DEVIATIONS = 2;
/** Where all is refused nothing is measured: while there is no work, what was slow is taken to be over, by half in this time. */
const HALF_LIFE_MS = 10_000;

/**
 * Takes work only while it can be done in time, judged by how long such work took before. Work has a cost in units of the
 * caller's choice, megapixels for example, and is taken to be done one after the other.
 */
export class Admission {
  #withinMs;
  #units = 0;
  /** Milliseconds a unit: of what was measured the mean, and the mean distance from it. */
  #mean = 0;
  #deviation = 0;
  /** When the last work ended: the next one has had the machine to itself only since then. */
  #lastEnd = performance.now();

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
    const idle = this.#units > 0 ? 0 : performance.now() - this.#lastEnd;
    return units * (this.#mean + DEVIATIONS * this.#deviation) * 0.5 ** (idle / HALF_LIFE_MS);
  }

  /** As a network connection estimates how long an answer takes (RFC 6298): the mean, and how far from it they lie. */
  #measure(msPerUnit) {
    const first = this.#mean === 0;
    const distance = Math.abs(msPerUnit - this.#mean);
    this.#deviation = first ? msPerUnit / 8 : this.#deviation + NEWS * (distance - this.#deviation);
    this.#mean = first ? msPerUnit : this.#mean + NEWS * (msPerUnit - this.#mean);
  }
}

function seconds(milliseconds) {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
