import type { RegionTree } from "../tree.js";
import { commonAncestor, holds } from "./ancestors.js";
import { chooseByClicks } from "./clicks.js";
import { countIn } from "./count-in.js";

type Box = readonly [number, number, number, number];

/** A union of nodes under way: what it spans and how much of it lies in the box. */
interface Part {
  readonly nodes: readonly number[];
  readonly span: Box;
  readonly area: number;
  readonly inside: number;
}

/** Filling the box counts half as much as spanning it: things rarely fill their boxes. */
const FILLING_WEIGHT = 0.5;
/** A further node must improve the fit (at most 1.5) by this much, and lie in the box by this share of its area. */
const LEAST_GAIN = 0.05;
const LEAST_INSIDE = 0.8;
const MOST_NODES = 5;

/**
 * The union of few nodes that fits a box best: fit = IoU of the union's bounding box and the box + ½ IoU of the
 * union's pixels and the box. The best single node first, then what improves it most, one after the other. Positive
 * leaves are in the first node, negative ones in none. `fit` is the IoU of the boxes.
 */
export function chooseByBox(
  tree: RegionTree,
  box: Box,
  positive: readonly number[],
  negative: readonly number[],
): { nodes: readonly number[]; fit: number } {
  const inside = insideBox(tree, box);
  const whole = (box[2] - box[0]) * (box[3] - box[1]);
  const partOf = (node: number): Part => ({
    nodes: [node],
    span: spanOf(tree, node),
    area: tree.areas[node],
    inside: inside[node],
  });
  const fitOf = (part: Part) =>
    boxIou(part.span, box) + FILLING_WEIGHT * (part.inside / (part.area + whole - part.inside));
  const barred = countIn(tree, negative);
  const free = (node: number) => barred[node] === 0;

  let union: Part | null = null;
  if (positive.length > 0) {
    const smallest = positive.reduce((node, leaf) => commonAncestor(tree, node, leaf));
    if (!free(smallest)) {
      union = chooseByClicks(tree, positive, negative, 0)[0].map(partOf).reduce(join);
    } else {
      union = partOf(smallest);
      for (let node = smallest; tree.parent[node] !== node && free(tree.parent[node]); ) {
        node = tree.parent[node];
        const larger = partOf(node);
        if (fitOf(larger) >= fitOf(union)) union = larger;
      }
    }
  } else {
    for (let node = 0; node < tree.nodeCount; node++) {
      if (!free(node)) continue;
      const part = partOf(node);
      const value = fitOf(part);
      if (value > 0 && value >= (union === null ? 0 : fitOf(union))) union = part;
    }
  }
  while (union !== null && union.nodes.length < MOST_NODES) {
    let best: Part | null = null;
    let bestValue = fitOf(union) + LEAST_GAIN;
    for (let node = 0; node < tree.nodeCount; node++) {
      if (inside[node] < LEAST_INSIDE * tree.areas[node] || inside[node] === 0 || !free(node)) continue;
      if (union.nodes.some((taken) => holds(tree, taken, node) || holds(tree, node, taken))) continue;
      const larger = join(union, partOf(node));
      const value = fitOf(larger);
      if (value > bestValue) {
        best = larger;
        bestValue = value;
      }
    }
    if (best === null) break;
    union = best;
  }
  return union === null ? { nodes: [], fit: 0 } : { nodes: union.nodes, fit: boxIou(union.span, box) };
}

/** Pixels of each node whose centres lie in the box, [nodeCount]. */
function insideBox(tree: RegionTree, [x0, y0, x1, y1]: Box): Float64Array {
  const inside = new Float64Array(tree.nodeCount);
  const left = Math.max(0, Math.ceil(x0 - 0.5));
  const right = Math.min(tree.width, Math.ceil(x1 - 0.5));
  const bottom = Math.min(tree.height, Math.ceil(y1 - 0.5));
  for (let y = Math.max(0, Math.ceil(y0 - 0.5)); y < bottom; y++) {
    for (let x = left; x < right; x++) inside[tree.leafMap[y * tree.width + x]]++;
  }
  for (let node = 0; node < tree.nodeCount - 1; node++) inside[tree.parent[node]] += inside[node];
  return inside;
}

function spanOf(tree: RegionTree, node: number): Box {
  const [x0, y0, x1, y1] = tree.boxes.subarray(4 * node, 4 * node + 4);
  return [x0, y0, x1, y1];
}

function join(a: Part, b: Part): Part {
  return {
    nodes: [...a.nodes, ...b.nodes],
    span: [
      Math.min(a.span[0], b.span[0]),
      Math.min(a.span[1], b.span[1]),
      Math.max(a.span[2], b.span[2]),
      Math.max(a.span[3], b.span[3]),
    ],
    area: a.area + b.area,
    inside: a.inside + b.inside,
  };
}

function boxIou(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common);
}
