import { pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { regionHierarchy } from "#core/region-tree/build.js";
import { type LearnedCues, regionMetric } from "#core/region-tree/learned-cues.js";
import { noise } from "./images.js";

const SIDE = 64;
const CELLS = SIDE / 2;
/** Off the middle, where the normalised cut alone would divide a square. */
const SPLIT = 11;

/** What a network would see that tells what is left of SPLIT from what is right of it. */
function cues({ border = false, metric = false }): LearnedCues {
  const plane = (value: (column: number) => number) =>
    Float32Array.from({ length: CELLS * CELLS }, (_, i) => value(i % CELLS));
  const line = plane((column) => (border && Math.abs(column + 0.5 - SPLIT) < 1 ? 1 : 0));
  return {
    columns: CELLS,
    rows: CELLS,
    border: line,
    height: line,
    metric: plane((column) => (metric && column >= SPLIT ? 2 : 0)),
    dimensions: 1,
  };
}

/** Share of the image on which the two children of the root agree with left and right. */
function agreement(learned: LearnedCues | null): number {
  const { superpixels, merges } = regionHierarchy(noise(SIDE, SIDE, 3), learned);
  const { count, children } = merges;
  const inFirst = new Uint8Array(count);
  const open = [children[2 * (count - 2)]];
  while (open.length > 0) {
    const node = open.pop()!;
    if (node < count) inFirst[node] = 1;
    else open.push(children[2 * (node - count)], children[2 * (node - count) + 1]);
  }
  let same = 0;
  superpixels.labels.forEach((region, i) => {
    if ((inFirst[region] === 1) === i % SIDE < 2 * SPLIT) same++;
  });
  return Math.max(same, SIDE * SIDE - same) / (SIDE * SIDE);
}

describe("learned cues", () => {
  it("divide what the tree itself sees no border in", () => {
    expect(agreement(null)).toBeLessThan(0.9);
    expect(agreement(cues({ border: true, metric: true }))).toBeGreaterThan(0.97);
    expect(agreement(cues({ border: true }))).toBeGreaterThan(0.9);
  });

  it("are averaged over regions cell by cell", () => {
    const random = pseudoRandom(5);
    const [width, height, columns, rows, dimensions] = [7, 5, 16, 16, 3];
    const labels = Int32Array.from({ length: width * height }, () => Math.floor(random() * 4));
    const metric = Float32Array.from({ length: dimensions * rows * columns }, random);
    const empty = new Float32Array(rows * columns);
    const found = regionMetric(
      { labels, count: 4, markers: new Int32Array(4) },
      { columns, rows, border: empty, height: empty, metric, dimensions },
      width,
    );
    for (let region = 0; region < 4; region++) {
      for (let k = 0; k < dimensions; k++) {
        const values: number[] = [];
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            if (labels[y * width + x] !== region) continue;
            values.push(metric[(k * rows + Math.floor(y / 2)) * columns + Math.floor(x / 2)]);
          }
        }
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        expect(found[region * dimensions + k]).toBeCloseTo(mean, 5);
      }
    }
  });
});
