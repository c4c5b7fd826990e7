import { pseudoRandom } from "@unsam/test-support";
/** Repeatable numbers in [−1, 1). */
export function randomValues(count: number, seed: number): Float32Array {
  const random = pseudoRandom(seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}
