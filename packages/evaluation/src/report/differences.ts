import { type PairedDifference, pairedDifference } from "../metrics/paired-bootstrap.js";
import type { Result } from "../run/evaluate.js";
import { clickValues, type Triple } from "../run/summarise.js";

/** How much higher the mean IoU of one method is than that of another on a data set, by the three readings of a ladder. */
export interface DifferenceOfMethods extends Triple<PairedDifference> {
  readonly dataset: string;
  /** The difference is the first one's mean less the second one's. */
  readonly methods: readonly [string, string];
}

/** Of each two methods on each set where both answered a click. */
export function differencesOfMethods(results: readonly Result[], seed: number): DifferenceOfMethods[] {
  const differences: DifferenceOfMethods[] = [];
  const values = results.map(({ images, method }) => clickValues(images, method));
  for (const [k, { dataset, method }] of results.entries()) {
    for (const [j, other] of results.entries()) {
      if (j <= k || other.dataset !== dataset) continue;
      const of = (key: keyof Triple<unknown>) => pairedDifference(values[k][key], values[j][key], seed);
      const [fixed, auto, oracle] = [of("fixed"), of("auto"), of("oracle")];
      if (!fixed || !auto || !oracle) continue;
      differences.push({
        dataset: dataset.name,
        methods: [method.name, other.method.name],
        fixed,
        auto,
        oracle,
      });
    }
  }
  return differences;
}
