/** The pairs of touching regions, from the 4-neighbours of a grid on, as regions are joined. */
export class PatchPairs {
  readonly count: number;
  /** The two regions of each pair, [count]. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** 1 as long as a pair stands; joined pairs and all but one between the same two regions do not, [count]. */
  readonly alive: Uint8Array;
  /** Pairs of each region, dead ones among them. */
  readonly #around: number[][];
  /** Scratch: the pair that joins `keep` to each region, −1 else. */
  readonly #known: Int32Array;

  constructor(height: number, width: number) {
    const regions = height * width;
    this.count = height * (width - 1) + (height - 1) * width;
    this.first = new Int32Array(this.count);
    this.second = new Int32Array(this.count);
    this.alive = new Uint8Array(this.count).fill(1);
    this.#around = Array.from({ length: regions }, () => []);
    this.#known = new Int32Array(regions).fill(-1);
    let pair = 0;
    const meet = (a: number, b: number) => {
      this.first[pair] = a;
      this.second[pair] = b;
      this.#around[a].push(pair);
      this.#around[b].push(pair++);
    };
    for (let i = 0; i < regions; i++) {
      if ((i + 1) % width !== 0) meet(i, i + 1);
      if (i + width < regions) meet(i, i + width);
    }
  }

  /** `gone` becomes part of `keep`; returns the pairs that stand around it. */
  join(keep: number, gone: number): readonly number[] {
    const standing: number[] = [];
    for (const pair of this.#around[keep]) {
      if (this.alive[pair] === 0) continue;
      const other = this.#other(pair, keep);
      if (other === gone) {
        this.alive[pair] = 0;
        continue;
      }
      this.#known[other] = pair;
      standing.push(pair);
    }
    for (const pair of this.#around[gone]) {
      if (this.alive[pair] === 0) continue;
      const other = this.#other(pair, gone);
      if (this.#known[other] >= 0) {
        this.alive[pair] = 0;
        continue;
      }
      if (this.first[pair] === gone) this.first[pair] = keep;
      else this.second[pair] = keep;
      standing.push(pair);
    }
    for (const pair of standing) this.#known[this.#other(pair, keep)] = -1;
    this.#around[keep] = standing;
    this.#around[gone] = [];
    return standing;
  }

  #other(pair: number, region: number): number {
    return this.first[pair] === region ? this.second[pair] : this.first[pair];
  }
}
