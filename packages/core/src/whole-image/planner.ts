import type { Coverage } from "./coverage.js";

/** In the first round clicks keep this share of the lattice's side apart; it halves with each round. */
const FIRST_REACH = 1 / 8;
/** … until they are this many samples apart. */
const LEAST_REACH = 2;
/** Coverage stalls when a round wins less than this share of the image for each of its clicks … */
const STALL_PER_CLICK = 2e-5;
/** … this often in a row. */
const PATIENCE = 4;

/**
 * Says where the next clicks go: into the middle of what no confident mask explains yet, widest gaps first, few and far
 * between at first, so that what the first clicks find needs no more of them. Works on the samples of a `Coverage`.
 */
export class PromptPlanner {
  readonly #coverage: Coverage;
  readonly #budget: number;
  /** 1: a click here found nothing; no other is tried beside it. */
  readonly #tried: Uint8Array;
  #reach: number;
  #spent = 0;
  #stalls = 0;
  #last: { clicks: number; share: number } | null = null;

  constructor(coverage: Coverage, budget: number) {
    this.#coverage = coverage;
    this.#budget = budget;
    this.#tried = new Uint8Array(coverage.covered.length);
    this.#reach = Math.max(LEAST_REACH, FIRST_REACH * Math.max(coverage.columns, coverage.rows));
  }

  /** The next clicks, at most `most`, as pixels of the image (centres); none when it is enough. */
  next(most: number): [x: number, y: number][] {
    const { share } = this.#coverage;
    if (this.#last) {
      const stalled = share - this.#last.share < STALL_PER_CLICK * this.#last.clicks;
      this.#stalls = stalled ? this.#stalls + 1 : 0;
      // While clicks are still far apart, a poor round says nothing about the finer ones to come.
      if (this.#stalls >= PATIENCE && this.#reach <= LEAST_REACH) return [];
      this.#reach = Math.max(LEAST_REACH, this.#reach / 2);
    }
    let clicks = this.#choose(Math.min(most, this.#budget - this.#spent));
    while (clicks.length === 0 && this.#reach > LEAST_REACH) {
      this.#reach = Math.max(LEAST_REACH, this.#reach / 2);
      clicks = this.#choose(Math.min(most, this.#budget - this.#spent));
    }
    this.#spent += clicks.length;
    this.#last = { clicks: clicks.length, share };
    return clicks.map((sample) => {
      const { columns } = this.#coverage;
      const [x, y] = this.#coverage.pixel(sample % columns, Math.floor(sample / columns));
      return [x + 0.5, y + 0.5];
    });
  }

  /** After a round: clicks that lie in no mask now are not tried again, nor what is close to them. */
  settle(clicks: readonly (readonly [number, number])[]): void {
    for (const [x, y] of clicks) {
      const sample = this.#coverage.sampleAt(x - 0.5, y - 0.5);
      if (!this.#coverage.covered[sample]) this.#mark(this.#tried, sample, this.#reach / 2);
    }
  }

  #choose(most: number): number[] {
    const { covered } = this.#coverage;
    const closed = Uint8Array.from(covered, (value, i) => value | this.#tried[i]);
    const distance = this.#distances(closed);
    const order: number[] = [];
    for (let i = 0; i < distance.length; i++) if (distance[i] > 0) order.push(i);
    order.sort((a, b) => distance[b] - distance[a] || a - b);
    const blocked = new Uint8Array(covered.length);
    const chosen: number[] = [];
    for (const sample of order) {
      if (chosen.length >= most) break;
      if (blocked[sample]) continue;
      chosen.push(sample);
      this.#mark(blocked, sample, Math.max(this.#reach, distance[sample]));
    }
    return chosen;
  }

  /** Marks the samples within a radius. */
  #mark(where: Uint8Array, sample: number, radius: number): void {
    const { columns, rows } = this.#coverage;
    const cx = sample % columns;
    const cy = Math.floor(sample / columns);
    const reach = Math.floor(radius);
    for (let y = Math.max(0, cy - reach); y <= Math.min(rows - 1, cy + reach); y++) {
      for (let x = Math.max(0, cx - reach); x <= Math.min(columns - 1, cx + reach); x++) {
        if ((x - cx) ** 2 + (y - cy) ** 2 <= radius * radius) where[y * columns + x] = 1;
      }
    }
  }

  /** Distance of each sample to the nearest closed one or to the border, in samples (chamfer, 1 and √2); 0 in closed. */
  #distances(closed: Uint8Array): Float32Array {
    const { columns, rows } = this.#coverage;
    const distance = new Float32Array(closed.length);
    const at = (x: number, y: number) =>
      x < 0 || y < 0 || x >= columns || y >= rows ? 0 : distance[y * columns + x];
    const relax = (x: number, y: number, side: 1 | -1) => {
      const i = y * columns + x;
      if (closed[i]) return;
      const near = Math.min(
        1 + at(x - side, y),
        1 + at(x, y - side),
        Math.SQRT2 + at(x - side, y - side),
        Math.SQRT2 + at(x + side, y - side),
      );
      distance[i] = side === 1 ? near : Math.min(distance[i], near);
    };
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) relax(x, y, 1);
    for (let y = rows - 1; y >= 0; y--) for (let x = columns - 1; x >= 0; x--) relax(x, y, -1);
    return distance;
  }
}
