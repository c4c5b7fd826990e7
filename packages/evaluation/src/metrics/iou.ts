import { type Mask, popcount } from "@unsam/core/mask";

/** Intersection over union from counts: `common` pixels in both, `predicted` and `wanted` in each. 0 / 0 is 1. */
export function iouOfCounts(common: number, predicted: number, wanted: number): number {
  const union = predicted + wanted - common;
  return union === 0 ? 1 : common / union;
}

/** Intersection over union of two masks of one size (Jaccard 1912), over the pixels that are `counted` (null: all). */
export function maskIou(predicted: Mask, wanted: Mask, counted: Mask | null): number {
  let common = 0;
  let either = 0;
  for (let i = 0; i < predicted.words.length; i++) {
    const inside = counted === null ? -1 : counted.words[i];
    common += popcount(predicted.words[i] & wanted.words[i] & inside);
    either += popcount((predicted.words[i] | wanted.words[i]) & inside);
  }
  return either === 0 ? 1 : common / either;
}

/** Arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
