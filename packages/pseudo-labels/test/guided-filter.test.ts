import fc from "fast-check";
import { expect, it } from "vitest";
import { guidedFilter } from "#pseudo-labels/refine/guided-filter.js";

/** Word for word from the paper: a, b of every window, then the mean of both over the windows that hold a pixel. */
function byBruteForce(
  input: Float32Array,
  guide: Float32Array,
  width: number,
  height: number,
  radius: number,
  epsilon: number,
): number[] {
  const windowOf = (x: number, y: number) => {
    const cells: number[] = [];
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++) {
      for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++)
        cells.push(v * width + u);
    }
    return cells;
  };
  const mean = (cells: number[], value: (cell: number) => number) =>
    cells.reduce((sum, cell) => sum + value(cell), 0) / cells.length;
  const lines = Array.from(input, (_, i) => {
    const cells = windowOf(i % width, Math.floor(i / width));
    const m = mean(cells, (c) => guide[c]);
    const p = mean(cells, (c) => input[c]);
    const covariance = mean(cells, (c) => (guide[c] - m) * (input[c] - p));
    const a = covariance / (mean(cells, (c) => (guide[c] - m) ** 2) + epsilon);
    return { a, b: p - a * m };
  });
  return Array.from(input, (_, i) => {
    const cells = windowOf(i % width, Math.floor(i / width));
    return mean(cells, (c) => lines[c].a) * guide[i] + mean(cells, (c) => lines[c].b);
  });
}

it("is the filter of the paper", () => {
  const size = fc.record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    radius: fc.integer({ min: 1, max: 12 }),
    seed: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
  });
  fc.assert(
    fc.property(size, ({ width, height, radius, seed }) => {
      const take = () => Float32Array.from({ length: width * height }, () => seed.next().value as number);
      const input = take().map((value) => Math.round(value));
      const guide = take();
      const found = guidedFilter(input, guide, width, height, { radius, epsilon: 0.01 });
      byBruteForce(input, guide, width, height, radius, 0.01).forEach((wanted, i) => {
        expect(found[i]).toBeCloseTo(wanted, 5);
      });
    }),
    { numRuns: 60 },
  );
});

it("moves a border to the edge of the guide", () => {
  const width = 40;
  const guide = Float32Array.from({ length: width * width }, (_, i) => (i % width < 20 ? 0.2 : 0.8));
  const input = Float32Array.from({ length: width * width }, (_, i) => (i % width < 17 ? 1 : 0));
  const soft = guidedFilter(input, guide, width, width, { radius: 8, epsilon: 1e-3 });
  for (let x = 0; x < width; x++) expect(soft[20 * width + x] > 0.5).toBe(x < 20);
});
