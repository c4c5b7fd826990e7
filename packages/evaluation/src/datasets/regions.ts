import type { Mask } from "@unsam/core/mask";

/** Masks of one image that are kept once made; beyond that they are made anew, for a large photo can have thousands. */
const KEPT_BYTES = 64 * 2 ** 20;

/** One person's regions of an image by number. None is empty, and 0 is none. A mask is made when it is asked for. */
export class Regions {
  readonly #areas: ReadonlyMap<number, number>;
  readonly #make: (region: number) => Mask;
  readonly #kept = new Map<number, Mask>();
  #keptBytes = 0;

  /** `areas`: pixels of each region, in the order in which they are listed. */
  constructor(areas: ReadonlyMap<number, number>, make: (region: number) => Mask) {
    this.#areas = areas;
    this.#make = make;
  }

  get size(): number {
    return this.#areas.size;
  }

  keys(): number[] {
    return [...this.#areas.keys()];
  }

  areaOf(region: number): number {
    return this.#areas.get(region) ?? 0;
  }

  get(region: number): Mask | undefined {
    if (!this.#areas.has(region)) return undefined;
    const known = this.#kept.get(region);
    if (known) return known;
    const mask = this.#make(region);
    const { byteLength } = mask.words;
    if (this.#keptBytes + byteLength <= KEPT_BYTES) {
      this.#kept.set(region, mask);
      this.#keptBytes += byteLength;
    }
    return mask;
  }

  *values(): Generator<Mask> {
    for (const region of this.#areas.keys()) yield this.get(region)!;
  }
}
