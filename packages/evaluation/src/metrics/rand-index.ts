import type { Contingency } from "./contingency.js";

/**
 * Rand index: the share of pairs of pixels on which two maps agree (together in both, or apart in both), in [0, 1]; 1
 * is best (Rand 1971). Its mean over the annotators of an image is the probabilistic Rand index (Unnikrishnan, Pantofaru
 * and Hebert, TPAMI 29:929–944, 2007, equation 4, with the empirical probabilities that the Berkeley benchmark takes).
 */
export function randIndex({ total, first, second, pairs }: Contingency): number {
  const all = pairsOf(total);
  if (all === 0) return 1;
  let [together, inFirst, inSecond] = [0, 0, 0];
  for (const { common } of pairs) together += pairsOf(common);
  for (const size of first.values()) inFirst += pairsOf(size);
  for (const size of second.values()) inSecond += pairsOf(size);
  return (all + 2 * together - inFirst - inSecond) / all;
}

function pairsOf(count: number): number {
  return (count * (count - 1)) / 2;
}
