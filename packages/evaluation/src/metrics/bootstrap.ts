import { randomNumbers } from "../random.js";

const REPLICATES = 1000;

/** How intervals are made, for reports. */
export interface Confidence {
  readonly level: number;
  readonly replicates: number;
  readonly method: string;
}

export const CONFIDENCE: Confidence = {
  level: 0.95,
  replicates: REPLICATES,
  method: "percentile bootstrap over images",
};

/**
 * 95 % interval of the mean over clicks by the percentile bootstrap (Efron and Tibshirani, An Introduction to the
 * Bootstrap, 1993, section 13.3). Images are drawn, not clicks: clicks of one image are not independent. `groups`: the
 * values of each image. null without values.
 */
export function bootstrapInterval(
  groups: readonly (readonly number[])[],
  seed: number,
): readonly [number, number] | null {
  const sums = groups.map((values) => values.reduce((sum, value) => sum + value, 0));
  if (!groups.some((values) => values.length > 0)) return null;
  const random = randomNumbers(seed);
  const means: number[] = [];
  while (means.length < REPLICATES) {
    let [sum, count] = [0, 0];
    for (let k = 0; k < groups.length; k++) {
      const drawn = Math.floor(random() * groups.length);
      sum += sums[drawn];
      count += groups[drawn].length;
    }
    if (count > 0) means.push(sum / count);
  }
  means.sort((a, b) => a - b);
  return [means[Math.round(0.025 * (REPLICATES - 1))], means[Math.round(0.975 * (REPLICATES - 1))]];
}
