// DAVIS's measures written a second time, in the plainest way: loops over bytes, all pairs of contour pixels.

export interface PlainImage {
  readonly width: number;
  readonly height: number;
  /** 1 inside, [height, width]. */
  readonly data: Uint8Array;
}

export function plainJ(own: PlainImage, other: PlainImage, isVoid: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < own.data.length; i++) {
    if (isVoid[i]) continue;
    if (own.data[i] && other.data[i]) both++;
    if (own.data[i] || other.data[i]) either++;
  }
  return either === 0 ? 1 : both / either;
}

export function plainF(own: PlainImage, other: PlainImage, isVoid: Uint8Array): number {
  const { width, height } = own;
  const reach = Math.ceil(0.008 * Math.sqrt(width * width + height * height));
  const [mine, theirs] = [edges(own, isVoid), edges(other, isVoid)];
  if (mine.length === 0 && theirs.length === 0) return 1;
  if (mine.length === 0 || theirs.length === 0) return 0;
  const near = (from: [number, number][], to: [number, number][]) =>
    from.filter(([x, y]) => to.some(([u, v]) => (x - u) ** 2 + (y - v) ** 2 <= reach ** 2)).length /
    from.length;
  const [precision, recall] = [near(mine, theirs), near(theirs, mine)];
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

function edges({ width, height, data }: PlainImage, isVoid: Uint8Array): [number, number][] {
  const at = (x: number, y: number) => (data[y * width + x] && !isVoid[y * width + x] ? 1 : 0);
  const found: [number, number][] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const right = x + 1 < width && at(x, y) !== at(x + 1, y);
      const below = y + 1 < height && at(x, y) !== at(x, y + 1);
      const across = x + 1 < width && y + 1 < height && at(x, y) !== at(x + 1, y + 1);
      if (right || below || across) found.push([x, y]);
    }
  }
  return found;
}

/** Mean, share above one half, and the first of four bins less the last. */
export function plainStatistics(values: number[]) {
  const mean = (some: number[]) => some.reduce((sum, one) => sum + one, 0) / some.length;
  const places = [0, 1, 2, 3, 4].map((k) => Math.round(1 + (k * (values.length - 1)) / 4 + 1e-10) - 1);
  const bin = (k: number) => values.slice(places[k], places[k + 1] + 1);
  return {
    mean: mean(values),
    recall: values.filter((one) => one > 0.5).length / values.length,
    decay: mean(bin(0)) - mean(bin(3)),
  };
}
