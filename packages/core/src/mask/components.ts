import { nextClear, nextSet, popcount, wordsPerRow } from "./bits.js";

/** 4: pixels that share an edge are connected; 8: those that share a corner, too. */
export type Connectivity = 4 | 8;

/** The horizontal runs of foreground of a mask, row by row, left to right. */
export interface Runs {
  /** First column of each run. */
  readonly start: Int32Array;
  /** Column behind the last one of each run. */
  readonly end: Int32Array;
  /** [height + 1]: the runs of row y are rowStart[y] … rowStart[y + 1] − 1. */
  readonly rowStart: Int32Array;
}

/** The connected components of a mask, numbered from 0 in the order of their first pixels, row by row. */
export interface Components {
  readonly runs: Runs;
  /** Component of each run. */
  readonly ofRun: Int32Array;
  /** Pixels of each component. */
  readonly areas: Int32Array;
}

/** Connected components of a bit-packed mask: its runs, joined where they touch those of the row above. */
export function findComponents(
  words: Uint32Array,
  width: number,
  height: number,
  connectivity: Connectivity,
): Components {
  const runs = findRuns(words, width, height);
  const { start, end, rowStart } = runs;
  const parent = Int32Array.from(start, (_, i) => i);
  const reach = connectivity === 8 ? 1 : 0;
  for (let y = 1; y < height; y++) {
    let above = rowStart[y - 1];
    const aboveEnd = rowStart[y];
    for (let run = rowStart[y]; run < rowStart[y + 1]; run++) {
      while (above < aboveEnd && end[above] + reach <= start[run]) above++;
      for (let k = above; k < aboveEnd && start[k] < end[run] + reach; k++) join(parent, k, run);
    }
  }
  // A root is the smallest run of its component, so it comes first and numbers follow the order of first pixels.
  const ofRun = new Int32Array(start.length);
  const areas: number[] = [];
  for (let run = 0; run < start.length; run++) {
    const root = findRoot(parent, run);
    if (root === run) ofRun[run] = areas.push(0) - 1;
    else ofRun[run] = ofRun[root];
    areas[ofRun[run]] += end[run] - start[run];
  }
  return { runs, ofRun, areas: Int32Array.from(areas) };
}

/** Component numbers from 1, 0 for background, as [height, width]. */
export function labelMap({ runs, ofRun }: Components, width: number, height: number): Int32Array {
  const labels = new Int32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let run = runs.rowStart[y]; run < runs.rowStart[y + 1]; run++) {
      labels.fill(ofRun[run] + 1, y * width + runs.start[run], y * width + runs.end[run]);
    }
  }
  return labels;
}

function findRuns(words: Uint32Array, width: number, height: number): Runs {
  const stride = wordsPerRow(width);
  const count = countRuns(words, stride);
  const start = new Int32Array(count);
  const end = new Int32Array(count);
  const rowStart = new Int32Array(height + 1);
  let run = 0;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    let x = nextSet(words, row, 0, width);
    while (x < width) {
      start[run] = x;
      x = nextClear(words, row, x, width);
      end[run++] = x;
      x = nextSet(words, row, x, width);
    }
    rowStart[y + 1] = run;
  }
  return { start, end, rowStart };
}

/** Runs begin where a pixel is set and its left neighbour is not. */
function countRuns(words: Uint32Array, stride: number): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    const left = i % stride === 0 ? 0 : words[i - 1] >>> 31;
    count += popcount(words[i] & ~((words[i] << 1) | left));
  }
  return count;
}

function findRoot(parent: Int32Array, node: number): number {
  let root = node;
  while (parent[root] !== root) {
    parent[root] = parent[parent[root]];
    root = parent[root];
  }
  return root;
}

function join(parent: Int32Array, a: number, b: number): void {
  const rootA = findRoot(parent, a);
  const rootB = findRoot(parent, b);
  if (rootA < rootB) parent[rootB] = rootA;
  else parent[rootA] = rootB;
}
