import { bootstrapInterval } from "./bootstrap.js";
import { mean } from "./iou.js";

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
  const groups: number[][] = [];
  for (const [image, values] of first) {
    const others = second.get(image);
    const differences = [...values].flatMap(([name, value]) => {
      const other = others?.get(name);
      return other === undefined ? [] : [value - other];
    });
    if (differences.length > 0) groups.push(differences);
  }
  const interval = bootstrapInterval(groups, seed);
  if (interval === null) return null;
  const all = groups.flat();
  return { difference: mean(all), interval, images: groups.length, values: all.length };
}
