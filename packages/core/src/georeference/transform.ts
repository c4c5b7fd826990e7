/** Where the pixels of an image lie on a map. */
export interface GeoTransform {
  /**
   * a, b, c, d, e, f: the point (x, y) of the image, in pixels from its upper left corner (the first pixel's centre is
   * 0.5, 0.5), lies at a·x + b·y + c, d·x + e·y + f on the map.
   */
  readonly coefficients: readonly [number, number, number, number, number, number];
  /** EPSG code of the map's coordinate reference system; null: it is not known. */
  readonly epsg: number | null;
}

export function toMap(
  { coefficients: [a, b, c, d, e, f] }: GeoTransform,
  x: number,
  y: number,
): [number, number] {
  return [a * x + b * y + c, d * x + e * y + f];
}

/** Pixels are given to 1/65536, finer than the numbers of maps are. */
export function toPixel(
  { coefficients: [a, b, c, d, e, f] }: GeoTransform,
  x: number,
  y: number,
): [number, number] {
  const area = a * e - b * d;
  const [dx, dy] = [x - c, y - f];
  const fine = (side: number) => Math.round(side * 65_536) / 65_536;
  return [fine((e * dx - b * dy) / area), fine((a * dy - d * dx) / area)];
}

/** Whether the image turns over on its way to the map, as it does wherever y grows upwards there. */
export function isMirrored({ coefficients: [a, b, , d, e] }: GeoTransform): boolean {
  return a * e - b * d < 0;
}

/** Whether six numbers place an image somewhere, with an area. */
export function isSound(coefficients: readonly number[]): boolean {
  const [a, b, , d, e] = coefficients;
  return coefficients.length === 6 && coefficients.every(Number.isFinite) && a * e - b * d !== 0;
}
