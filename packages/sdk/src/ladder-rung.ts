import type { Segment } from "./segment.js";

/** One scale: the granularities that give the same mask. */
export interface LadderRung {
  /** Of the finest of these granularities; the others' masks have an IoU of 0.95 or more with it. */
  readonly segment: Segment;
  /** The finest and the coarsest of these granularities. */
  readonly range: readonly [from: number, to: number];
  readonly levels: readonly number[];
}
