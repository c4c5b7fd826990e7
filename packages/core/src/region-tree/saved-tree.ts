import { UnSAMError } from "../errors.js";
import { assembleTree, type RegionTree } from "./tree.js";

/** One named array of a saved tree. */
export interface SavedArray {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
  /** Whether half precision would do. Heights and runs are compared and counted, so it would not. */
  readonly half: boolean;
}

/** Longest run written: a file's integers come back through float32, which is exact up to here. */
const LONGEST_RUN = 2 ** 24;

/** Nodes above one another: a hundred times what trees of photos have. Choosing a scale compares all of them. */
const DEEPEST = 2048;

/** A tree as named arrays: the leaf map as runs (length, leaf) in raster order, parents, heights, contrast. */
export function saveTree(tree: RegionTree): Map<string, SavedArray> {
  const { leafMap, nodeCount } = tree;
  const runs: number[] = [];
  for (let i = 0; i < leafMap.length; ) {
    let end = i + 1;
    while (end < leafMap.length && leafMap[end] === leafMap[i] && end - i < LONGEST_RUN) end++;
    runs.push(end - i, leafMap[i]);
    i = end;
  }
  return new Map<string, SavedArray>([
    ["leafRuns", { data: Int32Array.from(runs), shape: [runs.length / 2, 2], half: false }],
    ["parent", { data: tree.parent, shape: [nodeCount], half: false }],
    ["heights", { data: tree.heights, shape: [nodeCount], half: false }],
    ["contrast", { data: tree.contrast, shape: [nodeCount], half: false }],
  ]);
}

/**
 * Rebuilds a saved tree of an image of the given size. The arrays are not trusted: whatever is not a tree of that
 * image throws `E_BAD_FILE`.
 */
export function restoreTree(
  saved: ReadonlyMap<string, SavedArray>,
  { width, height }: { width: number; height: number },
): RegionTree {
  const runs = arrayOf(saved, "leafRuns", Int32Array);
  const parent = arrayOf(saved, "parent", Int32Array);
  const heights = arrayOf(saved, "heights", Float32Array);
  const contrast = arrayOf(saved, "contrast", Float32Array);
  const nodeCount = parent.length;
  if (nodeCount % 2 === 0 || heights.length !== nodeCount || contrast.length !== nodeCount) {
    throw damaged(
      `its ${nodeCount} parents, ${heights.length} heights and ${contrast.length} contrasts do not fit`,
    );
  }
  const leafCount = (nodeCount + 1) / 2;
  checkHierarchy(parent, heights, contrast, leafCount);
  const leafMap = expandRuns(runs, width * height, leafCount);
  const tree = assembleTree({ width, height, leafMap, parent, heights, contrast });
  for (let node = 0; node < nodeCount; node++) {
    if (node < leafCount && tree.areas[node] === 0) throw damaged(`leaf ${node} has no pixels`);
  }
  checkRanges(tree);
  return tree;
}

function arrayOf<T extends Int32Array | Float32Array>(
  saved: ReadonlyMap<string, SavedArray>,
  name: string,
  type: { new (): T },
): T {
  const found = saved.get(name)?.data;
  if (!(found instanceof type)) throw damaged(`its array ${name} is missing or of another type`);
  return found;
}

function checkHierarchy(
  parent: Int32Array,
  heights: Float32Array,
  contrast: Float32Array,
  leafCount: number,
): void {
  const root = parent.length - 1;
  const children = new Uint8Array(parent.length);
  for (let node = 0; node <= root; node++) {
    if (!Number.isFinite(heights[node]) || !Number.isFinite(contrast[node])) {
      throw damaged(`node ${node} has height ${heights[node]} and contrast ${contrast[node]}`);
    }
    const above = parent[node];
    if (node === root ? above !== root : above <= node || above < leafCount || above > root) {
      throw damaged(`node ${node} has parent ${above}`);
    }
    if (node === root) break;
    if (heights[above] < heights[node]) throw damaged(`node ${node} is higher than its parent`);
    if (++children[above] > 2) throw damaged(`node ${above} has more than two children`);
  }
  const depth = new Int32Array(parent.length);
  for (let node = root - 1; node >= 0; node--) {
    depth[node] = depth[parent[node]] + 1;
    if (depth[node] > DEEPEST) throw damaged(`more than ${DEEPEST} of its nodes lie above node ${node}`);
  }
}

/** Depth-first leaves: every node's leaves form one range. */
function checkRanges(tree: RegionTree): void {
  const held = new Int32Array(tree.nodeCount).fill(1, 0, tree.leafCount);
  for (let node = 0; node < tree.nodeCount; node++) {
    if (tree.lastLeaf[node] - tree.firstLeaf[node] + 1 !== held[node]) {
      throw damaged(`the leaves of node ${node} are not in order`);
    }
    if (tree.parent[node] !== node) held[tree.parent[node]] += held[node];
  }
}

function expandRuns(runs: Int32Array, pixels: number, leafCount: number): Int32Array {
  // Counted before anything is allocated.
  let total = 0;
  for (let k = 0; k + 1 < runs.length; k += 2) {
    const [length, leaf] = [runs[k], runs[k + 1]];
    if (length < 1 || leaf < 0 || leaf >= leafCount)
      throw damaged(`it has a run of ${length} pixels of leaf ${leaf}`);
    total += length;
  }
  if (runs.length % 2 !== 0 || total !== pixels) {
    throw damaged(`its leaf map covers ${total} pixels, the image has ${pixels}`);
  }
  const leafMap = new Int32Array(pixels);
  let at = 0;
  for (let k = 0; k < runs.length; k += 2) {
    leafMap.fill(runs[k + 1], at, at + runs[k]);
    at += runs[k];
  }
  return leafMap;
}

function damaged(what: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `The saved region tree is damaged: ${what}. Encode the image again.`);
}
