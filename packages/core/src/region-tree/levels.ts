/** Share of the image at the lower and the upper end of the dial. */
const FINEST = 0.0005;
const COARSEST = 0.6;

/**
 * The place of every node on the granularity dial: where its area lies between 0.05 % and 60 % of the image on a
 * logarithmic scale. It never falls towards the root, so the answers to one click at rising granularity are nested.
 * Nodes too large for the dial, the whole image first of all, lie above 1.
 */
export function dialLevels(areas: Int32Array, nodeCount: number): Float32Array {
  const total = areas[nodeCount - 1];
  const span = Math.log(COARSEST / FINEST);
  const levels = new Float32Array(nodeCount);
  for (let node = 0; node < nodeCount; node++) {
    levels[node] = Math.max(0, Math.log(areas[node] / total / FINEST) / span);
  }
  return levels;
}
