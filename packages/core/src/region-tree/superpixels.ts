/** A partition of the working image into small connected regions. */
export interface Superpixels {
  readonly count: number;
  /** Region of each pixel, numbered in raster order of the regions' first pixels, [height, width]. */
  readonly labels: Int32Array;
  /** One pixel at the bottom of each region's basin, [count]. */
  readonly markers: Int32Array;
}

/** Relief is compared in steps of 2⁻¹⁴, so that rounding errors on flat ground make no minima. */
const STEPS = 1 << 14;

/**
 * Watershed by steepest descent: every pixel points to its lowest 8-neighbour, and all that lead to one minimum form
 * a region. Plateaus flow towards their nearest outlet; a plateau without one is a single minimum.
 */
export function superpixels(relief: Float32Array, width: number, height: number): Superpixels {
  const count = width * height;
  const level = new Int32Array(count);
  for (let i = 0; i < count; i++) level[i] = Math.round(relief[i] * STEPS);

  const next = new Int32Array(count).fill(-1);
  const queue = new Int32Array(count);
  let queued = 0;
  const neighbours = new Int32Array(8);
  for (let i = 0; i < count; i++) {
    const found = neighboursOf(i, width, height, neighbours);
    let lowest = level[i];
    for (let k = 0; k < found; k++) {
      const j = neighbours[k];
      if (level[j] < lowest) {
        lowest = level[j];
        next[i] = j;
      }
    }
    if (next[i] >= 0) queue[queued++] = i;
  }
  // Breadth first from the outlets, so that a plateau is shared out by distance.
  for (let head = 0; head < queued; head++) {
    const i = queue[head];
    const found = neighboursOf(i, width, height, neighbours);
    for (let k = 0; k < found; k++) {
      const j = neighbours[k];
      if (next[j] < 0 && level[j] === level[i]) {
        next[j] = i;
        queue[queued++] = j;
      }
    }
  }
  // What is left are minima; the first pixel of each, in raster order, stands for it.
  for (let i = 0; i < count; i++) {
    if (next[i] >= 0) continue;
    next[i] = i;
    queue[0] = i;
    for (let head = 0, tail = 1; head < tail; head++) {
      const found = neighboursOf(queue[head], width, height, neighbours);
      for (let k = 0; k < found; k++) {
        const j = neighbours[k];
        if (next[j] < 0 && level[j] === level[i]) {
          next[j] = i;
          queue[tail++] = j;
        }
      }
    }
  }
  return follow(next);
}

/** Follows every pixel to its minimum and numbers the minima in the order they are first met. */
function follow(next: Int32Array): Superpixels {
  const count = next.length;
  for (let i = 0; i < count; i++) {
    let root = i;
    while (next[root] !== root) root = next[root];
    for (let j = i; next[j] !== root; ) {
      const after = next[j];
      next[j] = root;
      j = after;
    }
  }
  const number = new Int32Array(count).fill(-1);
  const labels = new Int32Array(count);
  const markers: number[] = [];
  for (let i = 0; i < count; i++) {
    const root = next[i];
    if (number[root] < 0) {
      number[root] = markers.length;
      markers.push(root);
    }
    labels[i] = number[root];
  }
  return { count: markers.length, labels, markers: Int32Array.from(markers) };
}

/** Writes the 8-neighbours of pixel i to `out` (straight ones first, so that they win ties) and returns how many. */
function neighboursOf(i: number, width: number, height: number, out: Int32Array): number {
  const y = (i / width) | 0;
  const x = i - y * width;
  const left = x > 0;
  const right = x < width - 1;
  let n = 0;
  if (y > 0) out[n++] = i - width;
  if (left) out[n++] = i - 1;
  if (right) out[n++] = i + 1;
  if (y < height - 1) out[n++] = i + width;
  if (y > 0) {
    if (left) out[n++] = i - width - 1;
    if (right) out[n++] = i - width + 1;
  }
  if (y < height - 1) {
    if (left) out[n++] = i + width - 1;
    if (right) out[n++] = i + width + 1;
  }
  return n;
}
