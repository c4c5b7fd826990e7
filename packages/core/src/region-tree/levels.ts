/** Shares of the image at granularity 0 and 1, for the part of a level that area decides. */
const FINEST_AREA = 0.0005;
const COARSEST_AREA = 0.6;
/** Share of the root's height at the upper end, for the part that height decides. */
const COARSEST_HEIGHT = 0.95;
/** Area's part in a level; height has the rest, because contrast tells parts from wholes better than size does. */
const AREA_WEIGHT = 1 / 3;
/** A region larger than this share is the scene rather than a thing in it; no granularity reaches it. */
const LARGEST = 0.8;
const BEYOND = 2;

/**
 * The level of every node: the granularity from which on it is the answer to a click inside it. A
 * mix of its area (logarithmic, 0.05 % to 60 % of the image) and its merge height (linear, 0 to 95 % of the root's). Both grow towards the root, so levels never fall along a branch
 * and the answers to one click at rising granularity are nested. Regions of more than 80 % of the image get 2.
 */
export function nodeLevels(areas: Int32Array, heights: Float32Array): Float32Array {
  const root = areas.length - 1;
  const areaSpan = Math.log(COARSEST_AREA / FINEST_AREA);
  const heightSpan = COARSEST_HEIGHT * heights[root];
  return Float32Array.from(areas, (area, node) => {
    const share = area / areas[root];
    if (share > LARGEST) return BEYOND;
    const byArea = Math.max(0, Math.log(share / FINEST_AREA) / areaSpan);
    const byHeight = heightSpan > 0 ? Math.min(1, heights[node] / heightSpan) : 1;
    return Math.min(1, AREA_WEIGHT * byArea + (1 - AREA_WEIGHT) * byHeight);
  });
}
