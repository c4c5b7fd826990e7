/** Intersection over union from counts: `common` pixels in both, `predicted` and `wanted` in each. 0 / 0 is 1. */
export function iouOfCounts(common: number, predicted: number, wanted: number): number {
  const union = predicted + wanted - common;
  return union === 0 ? 1 : common / union;
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}
