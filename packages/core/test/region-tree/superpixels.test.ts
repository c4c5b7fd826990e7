import { pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { superpixels } from "#core/region-tree/superpixels.js";

/** A relief of distinct heights, so that there is exactly one way down from every pixel. */
function shuffledRelief(count: number, seed: number): Float32Array {
  const random = pseudoRandom(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return Float32Array.from(order, (value) => value / 1000);
}

function neighbours(i: number, width: number, height: number): number[] {
  const x = i % width;
  const y = Math.floor(i / width);
  const found: number[] = [];
  for (let v = y - 1; v <= y + 1; v++) {
    for (let u = x - 1; u <= x + 1; u++) {
      if (u >= 0 && v >= 0 && u < width && v < height && (u !== x || v !== y)) found.push(v * width + u);
    }
  }
  return found;
}

function connected(labels: Int32Array, count: number, width: number, height: number): boolean {
  const seen = new Uint8Array(labels.length);
  let parts = 0;
  for (let start = 0; start < labels.length; start++) {
    if (seen[start]) continue;
    parts++;
    const open = [start];
    seen[start] = 1;
    while (open.length > 0) {
      for (const j of neighbours(open.pop()!, width, height)) {
        if (seen[j] || labels[j] !== labels[start]) continue;
        seen[j] = 1;
        open.push(j);
      }
    }
  }
  return parts === count;
}

describe("superpixels", () => {
  it.each([1, 2, 3, 4])("follow the steepest way down (relief %i)", (seed) => {
    const [width, height] = [37, 23];
    const relief = shuffledRelief(width * height, seed);
    const { labels, markers, count } = superpixels(relief, width, height);
    for (let i = 0; i < labels.length; i++) {
      let at = i;
      for (;;) {
        const lowest = neighbours(at, width, height).reduce((a, b) => (relief[b] < relief[a] ? b : a), at);
        if (lowest === at) break;
        at = lowest;
      }
      expect(markers[labels[i]]).toBe(at);
    }
    expect(new Set(labels).size).toBe(count);
    expect(connected(labels, count, width, height)).toBe(true);
  });

  it("make one region of flat ground, however large", () => {
    expect(superpixels(new Float32Array(300 * 200).fill(0.25), 300, 200).count).toBe(1);
  });

  it("let a plateau flow to its nearest outlet", () => {
    // Two pits at the ends of a shelf.
    const relief = Float32Array.from([0, 1, 1, 1, 1, 1, 0]);
    const { labels, count } = superpixels(relief, 7, 1);
    expect(count).toBe(2);
    expect([...labels.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect([...labels.subarray(4)]).toEqual([1, 1, 1]);
  });

  it("stay connected where the relief has many equal levels", () => {
    const random = pseudoRandom(9);
    const relief = Float32Array.from({ length: 50 * 40 }, () => Math.floor(random() * 4));
    const { labels, count } = superpixels(relief, 50, 40);
    expect(connected(labels, count, 50, 40)).toBe(true);
  });
});
