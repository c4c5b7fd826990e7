import { describe, expect, it } from "vitest";
import type { RgbImage } from "#core/image/index.js";
import {
  buildRegionTree,
  type RegionTree,
  segmentTree,
  treeLogits,
  treeMask,
} from "#core/region-tree/index.js";
import { noise, paint, patches } from "./images.js";

const images: [string, RgbImage][] = [
  ["one pixel", paint(1, 1, () => [9, 8, 7])],
  ["one column", paint(1, 40, (_, y) => [y * 6, 0, 0])],
  ["one row", paint(57, 1, (x) => [x * 4, 255 - x, 0])],
  ["2 × 2", paint(2, 2, (x, y) => [x * 255, y * 255, 0])],
  ["constant colour", paint(130, 90, () => [120, 30, 77])],
  ["two halves", paint(90, 60, (x) => (x < 45 ? [250, 250, 250] : [5, 5, 5]))],
  ["gradient", paint(120, 80, (x) => [x * 2, x * 2, x * 2])],
  ["one-pixel checkerboard", paint(64, 64, (x, y) => ((x + y) % 2 ? [255, 255, 255] : [0, 0, 0]))],
  ["noise", noise(150, 110, 5)],
  ["patches", patches(200, 140, 1)],
  ["a strip longer than the working size", paint(5000, 3, (x) => [(x >> 4) & 255, 90, 90])],
  ["larger than the working size", patches(900, 700, 2)],
];

describe.each(images)("region tree of %s", (_, image) => {
  const tree = buildRegionTree(image);

  it("is a binary tree with its parents above its children", () => {
    expect(tree.nodeCount).toBe(2 * tree.leafCount - 1);
    const children = new Int32Array(tree.nodeCount);
    for (let node = 0; node < tree.nodeCount - 1; node++) {
      expect(tree.parent[node]).toBeGreaterThan(node);
      expect(tree.parent[node]).toBeLessThan(tree.nodeCount);
      children[tree.parent[node]]++;
    }
    expect(tree.parent[tree.nodeCount - 1]).toBe(tree.nodeCount - 1);
    for (let node = 0; node < tree.nodeCount; node++)
      expect(children[node]).toBe(node < tree.leafCount ? 0 : 2);
  });

  it("gives every pixel a leaf and every node the pixels of its range of leaves", () => {
    expect(tree.leafMap.length).toBe(image.width * image.height);
    const pixels = new Int32Array(tree.leafCount);
    for (const leaf of tree.leafMap) pixels[leaf]++;
    expect(Math.min(...pixels)).toBeGreaterThan(0);
    const held = leavesByClimbing(tree);
    for (let node = 0; node < tree.nodeCount; node++) {
      const range = Array.from(
        { length: tree.lastLeaf[node] - tree.firstLeaf[node] + 1 },
        (_, k) => tree.firstLeaf[node] + k,
      );
      expect(held[node]).toEqual(range);
      expect(tree.areas[node]).toBe(range.reduce((sum, leaf) => sum + pixels[leaf], 0));
    }
    expect(tree.areas[tree.nodeCount - 1]).toBe(image.width * image.height);
  });

  it("never falls in height, area or level towards the root", () => {
    for (let node = 0; node < tree.nodeCount - 1; node++) {
      const above = tree.parent[node];
      expect(tree.heights[above]).toBeGreaterThanOrEqual(tree.heights[node]);
      expect(tree.areas[above]).toBeGreaterThan(tree.areas[node]);
      expect(tree.levels[above]).toBeGreaterThanOrEqual(tree.levels[node]);
      expect(tree.contrast[node]).toBeGreaterThanOrEqual(0);
    }
    expect(tree.heights.every(Number.isFinite)).toBe(true);
    expect(tree.contrast.every(Number.isFinite)).toBe(true);
  });

  it("knows the bounding box of every node", () => {
    const boxes = Array.from({ length: tree.leafCount }, () => [tree.width, tree.height, 0, 0]);
    tree.leafMap.forEach((leaf, i) => {
      const y = Math.floor(i / tree.width);
      const x = i % tree.width;
      const [x0, y0, x1, y1] = boxes[leaf];
      boxes[leaf] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
    });
    for (let node = 0; node < tree.nodeCount; node += 7) {
      const own = boxes.slice(tree.firstLeaf[node], tree.lastLeaf[node] + 1);
      expect(Array.from(tree.boxes.subarray(4 * node, 4 * node + 4))).toEqual([
        Math.min(...own.map((b) => b[0])),
        Math.min(...own.map((b) => b[1])),
        Math.max(...own.map((b) => b[2])),
        Math.max(...own.map((b) => b[3])),
      ]);
    }
  });

  it("comes out the same every time", () => {
    const again = buildRegionTree(image);
    for (const [name, value] of Object.entries(tree)) {
      const other = again[name as keyof RegionTree];
      // Bytes, because comparing a million elements one by one takes the test-runner seconds.
      if (ArrayBuffer.isView(value)) expect(bytes(other).equals(bytes(value)), name).toBe(true);
      else expect(other).toBe(value);
    }
  });

  it("answers a click with a mask that holds it", () => {
    const x = Math.floor(image.width / 2);
    const y = Math.floor(image.height / 3);
    for (const granularity of [0, 0.5, 1, "auto", null] as const) {
      const prompt = { points: [{ x, y, label: 1 as const }], box: null, mask: null, granularity };
      const answer = segmentTree(tree, prompt);
      const mask = treeMask(tree, answer);
      expect(mask.has(x, y)).toBe(true);
      expect(mask.area).toBe(answer.nodes.reduce((sum, node) => sum + tree.areas[node], 0));
      for (const value of [answer.score, answer.stability, answer.granularity]) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }
      const logits = treeLogits(tree, answer);
      expect(logits.shape).toEqual([256, 256]);
      expect(logits.data.every(Number.isFinite)).toBe(true);
    }
  });
});

function bytes(array: unknown): Buffer {
  const { buffer, byteOffset, byteLength } = array as Float32Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Leaves of each node, found the other way round: by climbing from every leaf. */
function leavesByClimbing(tree: RegionTree): number[][] {
  const held: number[][] = Array.from({ length: tree.nodeCount }, () => []);
  for (let leaf = 0; leaf < tree.leafCount; leaf++) {
    for (let node = leaf; ; node = tree.parent[node]) {
      held[node].push(leaf);
      if (tree.parent[node] === node) break;
    }
  }
  return held;
}

describe("region tree", () => {
  it("has one leaf where nothing is to be told apart", () => {
    expect(buildRegionTree(paint(130, 90, () => [40, 90, 200])).leafCount).toBe(1);
  });

  it("finds a plain shape on plain ground to the pixel row", () => {
    const image = paint(220, 160, (x, y) =>
      x >= 60 && x < 150 && y >= 40 && y < 110 ? [210, 60, 40] : [40, 90, 160],
    );
    const tree = buildRegionTree(image);
    const answer = segmentTree(tree, {
      points: [{ x: 100, y: 70, label: 1 }],
      box: null,
      mask: null,
      granularity: 1,
    });
    // The relief is flat along the very border, so one row of pixels on either side may go to either region.
    const mask = treeMask(tree, answer);
    let missed = 0;
    for (let y = 0; y < 160; y++) {
      for (let x = 0; x < 220; x++) {
        const inner = x >= 61 && x < 149 && y >= 41 && y < 109;
        const outer = x < 59 || x >= 151 || y < 39 || y >= 111;
        if ((inner && !mask.has(x, y)) || (outer && mask.has(x, y))) missed++;
      }
    }
    expect(missed).toBeLessThanOrEqual(12);
  });

  it("carries borders to full resolution", () => {
    const disc = (x: number, y: number) => (x - 1200) ** 2 + (y - 900) ** 2 < 500 ** 2;
    const image = paint(2400, 1800, (x, y) => (disc(x, y) ? [220, 190, 60] : [30, 60, 80]));
    const tree = buildRegionTree(image);
    const mask = treeMask(
      tree,
      segmentTree(tree, {
        points: [{ x: 1200, y: 900, label: 1 }],
        box: null,
        mask: null,
        granularity: 1,
      }),
    );
    let wrong = 0;
    let inside = 0;
    for (let y = 0; y < 1800; y++) {
      for (let x = 0; x < 2400; x++) {
        if (disc(x, y)) inside++;
        if (disc(x, y) !== mask.has(x, y)) wrong++;
      }
    }
    // A border off by one working pixel (3.75 pixels here) all around would be 1.5 % of the disc.
    expect(wrong / inside).toBeLessThan(0.003);
  });

  it("refuses a working size that makes no sense", () => {
    for (const longestSide of [0, -5, 1.5, Number.NaN, 1e9]) {
      expect(() =>
        buildRegionTree(
          paint(4, 4, () => [0, 0, 0]),
          { longestSide },
        ),
      ).toThrow(/longestSide/);
    }
  });
});
