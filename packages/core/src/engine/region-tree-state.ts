import { UnSAMError } from "../errors.js";
import type { RegionTree } from "../region-tree/index.js";
import type { ImageState, StateTensor } from "./engine.js";

/** A region tree as named arrays, without loss (docs/encoded-image.md). */
export function stateOfTree(tree: RegionTree): ImageState {
  const entry = (data: StateTensor["data"], shape: readonly number[]): StateTensor => ({
    data,
    shape,
    half: false,
  });
  const nodes = [tree.nodeCount];
  return {
    tensors: new Map([
      ["leaf_map", entry(tree.leafMap, [tree.height, tree.width])],
      ["parent", entry(tree.parent, nodes)],
      ["heights", entry(tree.heights, nodes)],
      ["levels", entry(tree.levels, nodes)],
      ["first_leaf", entry(tree.firstLeaf, nodes)],
      ["last_leaf", entry(tree.lastLeaf, nodes)],
    ]),
  };
}

/**
 * The tree back from its arrays. The file is untrusted: every index is checked, so that walking the tree ends and
 * stays inside its arrays. Throws `E_BAD_FILE`.
 */
export function treeOfState(
  state: ImageState,
  { width, height }: { width: number; height: number },
): RegionTree {
  const leafMap = integers(state, "leaf_map", [height, width]);
  const nodeCount = state.tensors.get("parent")?.shape[0] ?? 0;
  const leafCount = (nodeCount + 1) / 2;
  const nodes = [nodeCount];
  if (!Number.isInteger(leafCount) || leafCount < 1) throw damaged("it has an impossible number of nodes");
  if (leafMap.some((leaf) => leaf < 0 || leaf >= leafCount))
    throw damaged("a pixel names a region that is not there");
  const parent = integers(state, "parent", nodes);
  const tree: RegionTree = {
    width,
    height,
    leafCount,
    nodeCount,
    leafMap,
    parent,
    heights: floats(state, "heights", nodes),
    areas: areasOf(leafMap, parent),
    levels: floats(state, "levels", nodes),
    firstLeaf: integers(state, "first_leaf", nodes),
    lastLeaf: integers(state, "last_leaf", nodes),
  };
  checkNodes(tree);
  return tree;
}

/** Pixels of each node. Not stored: they follow from the map, and a file's integers are read as float32. */
function areasOf(leafMap: Int32Array, parent: Int32Array): Int32Array {
  const areas = new Int32Array(parent.length);
  for (const leaf of leafMap) areas[leaf]++;
  const root = parent.length - 1;
  for (let node = 0; node < root; node++) {
    const up = parent[node];
    if (up > node && up <= root) areas[up] += areas[node];
  }
  return areas;
}

/** Children come before parents and lie inside them, and every inner node has two: all that the walks rely on. */
function checkNodes({
  nodeCount,
  leafCount,
  parent,
  firstLeaf,
  lastLeaf,
  areas,
  heights,
  levels,
}: RegionTree): void {
  const root = nodeCount - 1;
  const children = new Uint8Array(nodeCount);
  for (let node = 0; node < nodeCount; node++) {
    const up = parent[node];
    if (node === root ? up !== root : !(up > node && up >= leafCount && up <= root)) {
      throw damaged(`node ${node} has the parent ${up}`);
    }
    if (node !== root) children[up]++;
    const [first, last] = [firstLeaf[node], lastLeaf[node]];
    const fits =
      node < leafCount ? first === node && last === node : first >= 0 && first <= last && last < leafCount;
    if (!fits || first < firstLeaf[up] || last > lastLeaf[up])
      throw damaged(`node ${node} holds the leaves ${first} to ${last}`);
    if (areas[node] < 1 || areas[node] > areas[up])
      throw damaged(`node ${node} has an area of ${areas[node]} pixels`);
    if (!(heights[node] <= heights[up]) || !(levels[node] <= levels[up]))
      throw damaged(`node ${node} lies above its parent`);
  }
  for (let node = leafCount; node < nodeCount; node++) {
    if (children[node] !== 2) throw damaged(`node ${node} has ${children[node]} children`);
  }
}

function integers(state: ImageState, name: string, shape: readonly number[]): Int32Array {
  const { data } = tensor(state, name, shape);
  if (!(data instanceof Int32Array)) throw damaged(`${name} does not hold 32-bit integers`);
  return data;
}

function floats(state: ImageState, name: string, shape: readonly number[]): Float32Array {
  const { data } = tensor(state, name, shape);
  if (!(data instanceof Float32Array)) throw damaged(`${name} does not hold float32 numbers`);
  return data;
}

function tensor(state: ImageState, name: string, shape: readonly number[]): StateTensor {
  const found = state.tensors.get(name);
  if (!found) throw damaged(`${name} is missing`);
  if (found.shape.join() !== shape.join()) {
    throw damaged(`${name} has shape [${found.shape.join(", ")}] instead of [${shape.join(", ")}]`);
  }
  return found;
}

function damaged(why: string): UnSAMError {
  return new UnSAMError("E_BAD_FILE", `The saved region tree is damaged: ${why}. Encode the photo again.`);
}
