import { randomNumbers } from "../random.js";
import { REPLICATES } from "./bootstrap.js";

/** How much higher the mean of one method is than that of another, on what both answered. */
export interface PairedDifference {
  readonly difference: number;
  /** 95 % interval of the difference; 0 outside of it: chance alone hardly explains the difference. */
  readonly interval: readonly [low: number, high: number];
  /** Images, and objects or clicks on them, that both answered. */
  readonly images: number;
  readonly values: number;
}

/** Values of a method by image and by object or click, under names that are the same for every method. */
export type NamedValues = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * Paired percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3): images are drawn, and
 * both methods keep their values on those drawn, so that what makes an image easy or hard cancels out. null where no value is
 * common to both.
 */
export function pairedDifference(
  first: NamedValues,
  second: NamedValues,
  seed: number,
): PairedDifference | null {
  const groups: { sum: number; count: number }[] = [];
  for (const [image, values] of first) {
    const others = second.get(image);
    let [sum, count] = [0, 0];
    for (const [name, value] of values) {
      const other = others?.get(name);
      if (other === undefined) continue;
      sum += value - other;
      count++;
    }
    if (count > 0) groups.push({ sum, count });
  }
  if (groups.length === 0) return null;
  const meanOf = (drawn: readonly { sum: number; count: number }[]) =>
    drawn.reduce((total, { sum }) => total + sum, 0) / drawn.reduce((total, { count }) => total + count, 0);
  const random = randomNumbers(seed);
  const means = Array.from({ length: REPLICATES }, () =>
    meanOf(groups.map(() => groups[Math.floor(random() * groups.length)])),
  ).sort((a, b) => a - b);
  const at = (share: number) => means[Math.round(share * (REPLICATES - 1))];
  const values = groups.reduce((total, { count }) => total + count, 0);
  return { difference: meanOf(groups), interval: [at(0.025), at(0.975)], images: groups.length, values };
}
