import { UnSAMError } from "../errors.js";
import type { RegionForest } from "./forest.js";
import { granularityStep, NEVER } from "./granularity-steps.js";

/**
 * All label maps of a scene in one: for each edge between two pixels the granularity step at which it vanishes, an
 * ultrametric contour map (Arbeláez et al. 2011, section 4.2). At granularity g the edge separates two segments
 * exactly where its value is above `granularityStep(g)`. 0: never a boundary, 65535: at every granularity.
 */
export interface FusedMap {
  readonly width: number;
  readonly height: number;
  /** Edge between (x, y) and (x + 1, y), [height, width]; the last column is 0. */
  readonly right: Uint16Array;
  /** Edge between (x, y) and (x, y + 1), [height, width]; the last row is 0. */
  readonly below: Uint16Array;
}

/**
 * Two pixels have one owner as soon as the granularity reaches the level of the lowest region that holds both, because
 * levels never fall towards a root; where none holds both, they never have. `finest`: from `finestLabels`.
 * Throws `E_BAD_PROMPT`.
 */
export function fuseLabels(
  finest: Int32Array,
  forest: RegionForest,
  width: number,
  height: number,
): FusedMap {
  if (finest.length !== width * height) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `A label map of ${width}×${height} pixels takes ${width * height} values, not ${finest.length}.`,
    );
  }
  const mergeStep = mergeSteps(forest);
  const right = new Uint16Array(width * height);
  const below = new Uint16Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = finest[i];
      if (x + 1 < width && finest[i + 1] !== label) right[i] = mergeStep(label, finest[i + 1]);
      if (y + 1 < height && finest[i + width] !== label) below[i] = mergeStep(label, finest[i + width]);
    }
  }
  return { width, height, right, below };
}

/** One byte an edge: 1 where it separates two segments at this granularity. Throws `E_BAD_PROMPT`. */
export function boundariesAt(map: FusedMap, granularity: number): { right: Uint8Array; below: Uint8Array } {
  const step = granularityStep(granularity);
  return { right: above(map.right, step), below: above(map.below, step) };
}

function above(values: Uint16Array, step: number): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = values[i] > step ? 1 : 0;
  return bytes;
}

/** The granularity step from which on two different labels have the same owner. */
function mergeSteps({ count, parent, level, order }: RegionForest): (a: number, b: number) => number {
  // Parents have a lower rank than their children, so the one of higher rank is never above the other.
  const rank = new Int32Array(count);
  for (let n = 0; n < count; n++) rank[order[n]] = n;
  return (a, b) => {
    if (a === 0 || b === 0) return NEVER;
    let u = a - 1;
    let v = b - 1;
    while (u !== v) {
      if (rank[u] < rank[v]) [u, v] = [v, u];
      u = parent[u];
      if (u < 0) return NEVER;
    }
    return level[u];
  };
}
