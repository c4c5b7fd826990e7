/**
 * How far the granularity that a method chose is from the best one on its ladder, in [0, 1]; 0 is
 * best. Where several levels are best alike (IoU within 1e-9), the nearest counts. Our own definition.
 */
export function calibrationError(chosen: number, levels: readonly number[], ious: readonly number[]): number {
  const best = Math.max(...ious);
  const distances = levels.filter((_, k) => ious[k] >= best - 1e-9).map((level) => Math.abs(level - chosen));
  return Math.min(...distances);
}
