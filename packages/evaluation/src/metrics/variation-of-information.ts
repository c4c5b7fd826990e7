import type { Contingency } from "./contingency.js";

/**
 * Variation of information H(A | B) + H(B | A) of two maps in bits, 0 for equal ones; less is better (Meilă, Comparing
 * Clusterings by the Variation of Information, COLT 2003, equation 15).
 */
export function variationOfInformation({ total, first, second, pairs }: Contingency): number {
  let sum = 0;
  for (const pair of pairs) {
    const sizes = first.get(pair.first)! * second.get(pair.second)!;
    // −p log(p / p_A) − p log(p / p_B)
    sum += pair.common * Math.log2(sizes / (pair.common * pair.common));
  }
  return total === 0 ? 0 : Math.max(0, sum / total);
}
