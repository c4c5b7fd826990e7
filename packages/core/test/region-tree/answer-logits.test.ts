import { pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { Mask } from "#core/mask/index.js";
import { coverageLogits } from "#core/region-tree/index.js";

/** Share of a cell of the 256 × 256 grid that is covered, by summing overlaps of rectangles. */
function share(mask: Mask, cellX: number, cellY: number): number {
  const [w, h] = [mask.width / 256, mask.height / 256];
  let covered = 0;
  for (let y = Math.floor(cellY * h); y < Math.min(mask.height, Math.ceil((cellY + 1) * h)); y++) {
    for (let x = Math.floor(cellX * w); x < Math.min(mask.width, Math.ceil((cellX + 1) * w)); x++) {
      if (!mask.has(x, y)) continue;
      const dx = Math.min(x + 1, (cellX + 1) * w) - Math.max(x, cellX * w);
      const dy = Math.min(y + 1, (cellY + 1) * h) - Math.max(y, cellY * h);
      covered += Math.max(0, dx) * Math.max(0, dy);
    }
  }
  return covered / (w * h);
}

/** Cells picked at random hold the log-odds of their covered share. */
function expectShares(data: Float32Array, mask: Mask, random: () => number, cells: number): void {
  for (let k = 0; k < cells; k++) {
    const x = Math.floor(random() * 256);
    const y = Math.floor(random() * 256);
    const p = Math.min(0.999, Math.max(0.001, share(mask, x, y)));
    expect(1 / (1 + Math.exp(-data[y * 256 + x]))).toBeCloseTo(p, 4);
  }
}

describe("coverage logits", () => {
  it.each([
    [700, 450],
    [256, 256],
    [100, 31],
    [1, 1],
    [3, 900],
  ])("are the log-odds of the covered share of each cell, %i × %i", (width, height) => {
    const random = pseudoRandom(width);
    const mask = Mask.fromBytes(
      width,
      height,
      Uint8Array.from({ length: width * height }, () => (random() < 0.4 ? 1 : 0)),
    );
    const { data, shape } = coverageLogits(mask);
    expect(shape).toEqual([256, 256]);
    expectShares(data, mask, random, 400);
  });

  it.each([
    [700, 450],
    [97, 300],
    [33, 5],
  ])("cover nothing outside of a mask that lies in a part of the image, %i × %i", (width, height) => {
    const random = pseudoRandom(height);
    for (let round = 0; round < 20; round++) {
      const [x0, x1] = [random(), random()].map((at) => Math.floor(at * (width + 1))).sort((a, b) => a - b);
      const [y0, y1] = [random(), random()].map((at) => Math.floor(at * (height + 1))).sort((a, b) => a - b);
      const inside = (x: number, y: number) => x >= x0 && x < x1 && y >= y0 && y < y1;
      const bytes = Uint8Array.from({ length: width * height }, (_, i) =>
        inside(i % width, Math.floor(i / width)) && random() < 0.8 ? 1 : 0,
      );
      const mask = Mask.fromBytes(width, height, bytes);
      const { data } = coverageLogits(mask);
      expectShares(data, mask, random, 200);
    }
  });
});
