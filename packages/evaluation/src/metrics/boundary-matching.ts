/** Largest distance of a match: share of the image's diagonal (the Berkeley benchmark's default). */
export const TOLERANCE = 0.0075;

export interface BoundaryMatch {
  /** 1 for each predicted boundary pixel that has a partner, [height, width]. */
  readonly predicted: Uint8Array;
  /** Number of pairs. */
  readonly pairs: number;
}

/**
 * Matches boundary pixels of two maps one to one, at most `tolerance` pixels apart, as many as possible.
 *
 * The Berkeley benchmark (Martin, Fowlkes and Malik, TPAMI 26:530–549, 2004, section 3.2 and appendix B) solves an
 * assignment of least total distance in which a pixel without partner costs a hundred tolerances: dear enough that the
 * number of pairs is the largest possible. Precision and recall depend on that number alone. Here it is found exactly
 * by augmenting paths (Hopcroft and Karp, SIAM J. Comput. 2:225–231, 1973), from a start that pairs the nearest
 * pixels first, so that the pairs are short though their total length need not be the least.
 */
export function matchBoundaries(
  predicted: Uint8Array,
  wanted: Uint8Array,
  width: number,
  height: number,
  tolerance: number,
): BoundaryMatch {
  const left = Array.from(predicted.keys()).filter((i) => predicted[i] === 1);
  const rightOf = new Int32Array(width * height).fill(-1);
  let rightCount = 0;
  for (let i = 0; i < wanted.length; i++) if (wanted[i] === 1) rightOf[i] = rightCount++;
  const offsets = offsetsWithin(tolerance);
  const start = new Int32Array(left.length + 1);
  const edges: number[] = [];
  const partner = new Int32Array(left.length).fill(-1);
  const partnerOfRight = new Int32Array(rightCount).fill(-1);
  for (let l = 0; l < left.length; l++) {
    const x = left[l] % width;
    const y = (left[l] - x) / width;
    for (const { dx, dy } of offsets) {
      const nx = x + dx;
      const ny = y + dy;
      if (nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
      const right = rightOf[ny * width + nx];
      if (right >= 0) edges.push(right);
    }
    start[l + 1] = edges.length;
  }
  pairNearestFirst(left, rightOf, width, height, offsets, partner, partnerOfRight);
  augment(start, edges, partner, partnerOfRight);
  const matched = new Uint8Array(width * height);
  let pairs = 0;
  for (let l = 0; l < left.length; l++) {
    if (partner[l] < 0) continue;
    matched[left[l]] = 1;
    pairs++;
  }
  return { predicted: matched, pairs };
}

interface Offset {
  readonly dx: number;
  readonly dy: number;
}

/** All steps of at most `radius` pixels, the shortest first. */
function offsetsWithin(radius: number): Offset[] {
  const reach = Math.floor(radius);
  const offsets: Offset[] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++)
      if (dx * dx + dy * dy <= radius * radius) offsets.push({ dx, dy });
  }
  return offsets.sort((a, b) => a.dx ** 2 + a.dy ** 2 - b.dx ** 2 - b.dy ** 2 || a.dy - b.dy || a.dx - b.dx);
}

function pairNearestFirst(
  left: readonly number[],
  rightOf: Int32Array,
  width: number,
  height: number,
  offsets: readonly Offset[],
  partner: Int32Array,
  partnerOfRight: Int32Array,
): void {
  for (const { dx, dy } of offsets) {
    for (let l = 0; l < left.length; l++) {
      if (partner[l] >= 0) continue;
      const x = (left[l] % width) + dx;
      const y = Math.floor(left[l] / width) + dy;
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const right = rightOf[y * width + x];
      if (right < 0 || partnerOfRight[right] >= 0) continue;
      partner[l] = right;
      partnerOfRight[right] = l;
    }
  }
}

/** Hopcroft and Karp: sets of shortest augmenting paths until there is none. */
function augment(
  start: Int32Array,
  edges: readonly number[],
  partner: Int32Array,
  partnerOfRight: Int32Array,
): void {
  const count = partner.length;
  const depth = new Int32Array(count);
  const next = new Int32Array(count);
  const queue = new Int32Array(count);
  for (;;) {
    depth.fill(-1);
    let tail = 0;
    for (let l = 0; l < count; l++) {
      if (partner[l] >= 0) continue;
      depth[l] = 0;
      queue[tail++] = l;
    }
    let found = false;
    for (let head = 0; head < tail; head++) {
      const l = queue[head];
      for (let e = start[l]; e < start[l + 1]; e++) {
        const other = partnerOfRight[edges[e]];
        if (other < 0) found = true;
        else if (depth[other] < 0) {
          depth[other] = depth[l] + 1;
          queue[tail++] = other;
        }
      }
    }
    if (!found) return;
    next.set(start.subarray(0, count));
    for (let l = 0; l < count; l++)
      if (partner[l] < 0) pathFrom(l, start, edges, partner, partnerOfRight, depth, next);
  }
}

/** Depth-first along the layers; on success the matching is flipped along the path. */
function pathFrom(
  root: number,
  start: Int32Array,
  edges: readonly number[],
  partner: Int32Array,
  partnerOfRight: Int32Array,
  depth: Int32Array,
  next: Int32Array,
): void {
  const path = [root];
  while (path.length > 0) {
    const l = path[path.length - 1];
    if (next[l] === start[l + 1]) {
      // A dead end: its parent goes on with its next edge.
      path.pop();
      if (path.length > 0) next[path[path.length - 1]]++;
      continue;
    }
    const right = edges[next[l]];
    const other = partnerOfRight[right];
    if (other < 0) {
      for (const node of path) {
        const taken = edges[next[node]];
        partner[node] = taken;
        partnerOfRight[taken] = node;
        next[node]++;
      }
      return;
    }
    if (depth[other] === depth[l] + 1 && next[other] < start[other + 1]) path.push(other);
    else next[l]++;
  }
}
