import type { Mask } from "@unsam/core/mask";

export interface Nesting {
  /** Pixels of a mask that the next coarser one lacks, summed over neighbours on the ladder. */
  readonly outside: number;
  /** Pixels of all masks but the coarsest. */
  readonly area: number;
}

/**
 * How far a ladder, fine to coarse, is from being nested. `outside / area` is the share of area that violates nesting,
 * in [0, 1]; 0 is best. Our own definition: each mask should lie in the next coarser one.
 */
export function nesting(ladder: readonly Mask[]): Nesting {
  let [outside, area] = [0, 0];
  for (let k = 0; k + 1 < ladder.length; k++) {
    area += ladder[k].area;
    outside += ladder[k].area - ladder[k].intersection(ladder[k + 1]);
  }
  return { outside, area };
}
