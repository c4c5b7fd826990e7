import type { Mask } from "@unsam/core/mask";

/**
 * Squared distance of each foreground pixel to the nearest background pixel (centre to centre, in pixels), 0 in the
 * background, [height, width]. What lies beyond the image's border counts as background.
 *
 * Exact, in two linear passes: along columns, then the lower envelope of parabolas along rows (Felzenszwalb and
 * Huttenlocher, Distance Transforms of Sampled Functions, Theory of Computing 8:415–428, 2012, section 2).
 */
export function squaredDistances(mask: Mask): Float64Array {
  const { width, height } = mask;
  const bytes = mask.toBytes();
  const distances = new Float64Array(width * height);
  for (let x = 0; x < width; x++) {
    let run = 0;
    for (let y = 0, i = x; y < height; y++, i += width) {
      run = bytes[i] === 0 ? 0 : run + 1;
      distances[i] = run;
    }
    run = 0;
    for (let y = height - 1, i = (height - 1) * width + x; y >= 0; y--, i -= width) {
      run = bytes[i] === 0 ? 0 : run + 1;
      if (run < distances[i]) distances[i] = run;
    }
  }
  // One pixel of background on either side of a row.
  const size = width + 2;
  const line = new Float64Array(size);
  const centre = new Int32Array(size);
  const border = new Float64Array(size + 1);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) line[x + 1] = distances[row + x] ** 2;
    line[0] = line[size - 1] = 0;
    let top = 0;
    centre[0] = 0;
    border[0] = Number.NEGATIVE_INFINITY;
    border[1] = Number.POSITIVE_INFINITY;
    for (let q = 1; q < size; q++) {
      let meeting = crossing(line, centre[top], q);
      while (meeting <= border[top]) meeting = crossing(line, centre[--top], q);
      centre[++top] = q;
      border[top] = meeting;
      border[top + 1] = Number.POSITIVE_INFINITY;
    }
    for (let x = 1, k = 0; x <= width; x++) {
      while (border[k + 1] < x) k++;
      distances[row + x - 1] = (x - centre[k]) ** 2 + line[centre[k]];
    }
  }
  return distances;
}

/** Where the parabolas over p < q meet. */
function crossing(line: Float64Array, p: number, q: number): number {
  return (line[q] + q * q - (line[p] + p * p)) / (2 * (q - p));
}

/** The foreground pixel farthest from the background and the border, the first of equals row by row; null for none. */
export function innermostPixel(mask: Mask): { x: number; y: number; radius: number } | null {
  const distances = squaredDistances(mask);
  let best = -1;
  let farthest = 0;
  for (let i = 0; i < distances.length; i++) {
    if (distances[i] > farthest) [best, farthest] = [i, distances[i]];
  }
  if (best < 0) return null;
  return { x: best % mask.width, y: Math.floor(best / mask.width), radius: Math.sqrt(farthest) };
}
