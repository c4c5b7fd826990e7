import type { RegionTree } from "./tree.js";

/** Sets the node's pixels in bits whose first pixel is (left, top) of the image. */
export function paintNode(
  { width, leafMap, boxes, firstLeaf, lastLeaf }: RegionTree,
  node: number,
  words: Uint32Array,
  stride: number,
  left: number,
  top: number,
): void {
  const [x0, y0, x1, y1] = boxes.subarray(4 * node, 4 * node + 4);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const leaf = leafMap[y * width + x];
      if (leaf < firstLeaf[node] || leaf > lastLeaf[node]) continue;
      words[(y - top) * stride + ((x - left) >> 5)] |= 1 << ((x - left) & 31);
    }
  }
}
