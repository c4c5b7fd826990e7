/** Bounds between size classes: share of the image's pixels, three steps a decade. */
export const SIZE_BOUNDS: readonly number[] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3];

/** Class of a region by its share of the image: 0 below the first bound … `SIZE_BOUNDS.length` from the last one on. */
export function sizeClass(share: number): number {
  const above = SIZE_BOUNDS.findIndex((bound) => share < bound);
  return above < 0 ? SIZE_BOUNDS.length : above;
}
