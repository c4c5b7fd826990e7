import { Mask } from "../mask/mask.js";
import { bestUnion } from "../region-tree/choose/best-union.js";
import type { RegionTree } from "../region-tree/tree.js";
import type { Evidence } from "./evidence.js";
import type { LookLevel } from "./look.js";

/** A region's say over each of its pixels, logits: above what place and looks say together only near the border. */
const REGION_VOTE = 2;
/** What one more region must win, as a share of the object. */
const REGION_PRICE = 0.002;

/**
 * The object on a frame: regions of its tree that agree best with the evidence, which then vote on their pixels. What lies
 * far from where the object should be stays out, whatever its region says.
 */
export function outlineBy(tree: RegionTree, evidence: Evidence, level: LookLevel): Mask {
  const { width, height, leafMap, leafCount, areas } = tree;
  const frame = window(tree, evidence, level);
  const { x0, y0, x1, y1 } = frame;
  const looks = new Float64Array(leafCount);
  const seen = new Int32Array(leafCount);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const leaf = leafMap[y * width + x];
      seen[leaf]++;
      looks[leaf] += frame.at(evidence.looks, x, y);
    }
  }
  const inside = new Float64Array(leafCount);
  const place = new Float32Array((x1 - x0) * (y1 - y0));
  let total = 0;
  for (let y = y0, i = 0; y < y1; y++) {
    for (let x = x0; x < x1; x++, i++) {
      const leaf = leafMap[y * width + x];
      place[i] = frame.at(evidence.place, x, y);
      const share = 1 / (1 + Math.exp(-(place[i] + looks[leaf] / seen[leaf])));
      inside[leaf] += share;
      total += share;
    }
  }
  for (let leaf = 0; leaf < leafCount; leaf++) inside[leaf] = Math.min(inside[leaf], areas[leaf]);
  const { nodes } = bestUnion(tree, { inside, total, forced: null, price: REGION_PRICE });
  const chosen = new Uint8Array(leafCount);
  for (const node of nodes) chosen.fill(1, tree.firstLeaf[node], tree.lastLeaf[node] + 1);
  const stride = Math.ceil(width / 32);
  const words = new Uint32Array(stride * height);
  for (let y = y0, i = 0; y < y1; y++) {
    for (let x = x0; x < x1; x++, i++) {
      const leaf = leafMap[y * width + x];
      const vote = chosen[leaf] === 1 ? REGION_VOTE : -REGION_VOTE;
      if (place[i] + looks[leaf] / seen[leaf] + vote > 0) words[y * stride + (x >> 5)] |= 1 << (x & 31);
    }
  }
  return new Mask(width, height, words);
}

/** The evidence's box in pixels of the frame, and how to read there what was gathered (bilinear). */
function window({ width, height }: RegionTree, { box }: Evidence, level: LookLevel) {
  const sx = level.width / width;
  const sy = level.height / height;
  const w = box.x1 - box.x0;
  const h = box.y1 - box.y0;
  return {
    x0: Math.max(0, Math.floor(box.x0 / sx)),
    y0: Math.max(0, Math.floor(box.y0 / sy)),
    x1: Math.min(width, Math.ceil(box.x1 / sx)),
    y1: Math.min(height, Math.ceil(box.y1 / sy)),
    at(values: Float32Array, x: number, y: number): number {
      const u = Math.min(w - 1, Math.max(0, (x + 0.5) * sx - 0.5 - box.x0));
      const v = Math.min(h - 1, Math.max(0, (y + 0.5) * sy - 0.5 - box.y0));
      const left = u | 0;
      const top = v | 0;
      const fx = u - left;
      const fy = v - top;
      const p = top * w + left;
      const right = left + 1 < w ? 1 : 0;
      const below = top + 1 < h ? w : 0;
      return (
        (values[p] * (1 - fx) + values[p + right] * fx) * (1 - fy) +
        (values[p + below] * (1 - fx) + values[p + below + right] * fx) * fy
      );
    },
  };
}
