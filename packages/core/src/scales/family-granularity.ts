/** Granularity of the smallest member of a family; the largest has 1. */
const FINEST = 0.1;

/**
 * Granularity of each mask in its family of a whole and its parts: 0.1 + 0.9 · (√a − √min) / (√max − √min) of the areas
 * (UnSAMv2, section 3); where all areas are equal, or there is one mask, 1. `areas`: in pixels, the whole first.
 */
export function familyGranularities(areas: readonly number[]): number[] {
  const roots = areas.map(Math.sqrt);
  const smallest = Math.min(...roots);
  const span = roots[0] - smallest;
  return roots.map((root) => (span > 0 ? FINEST + (1 - FINEST) * ((root - smallest) / span) : 1));
}
