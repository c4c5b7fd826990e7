import { describe, expect, it } from "vitest";
import * as op from "#core/graph/index.js";
import { gelu } from "../models/reference-math.js";
import { largestDifference } from "../support/compare.js";
import { randomValues } from "../support/random.js";
import { runGraph } from "../support/run-graph.js";

interface Plain {
  readonly data: Float32Array;
  readonly shape: number[];
}

function random(seed: number, ...shape: number[]): Plain {
  const count = shape.reduce((product, side) => product * side, 1);
  return { data: randomValues(count, seed), shape };
}

/** Runs one operator on ONNX Runtime. The inferred shape must be the real one. */
async function evaluate(build: (...values: op.Value[]) => op.Value, ...inputs: Plain[]): Promise<Plain> {
  const graph = new op.Graph("test");
  const values = inputs.map((input, index) => graph.input(`in${index}`, "float32", input.shape));
  const result = build(...values);
  graph.output("out", result);
  const feeds = Object.fromEntries(inputs.map((input, index) => [`in${index}`, input]));
  const { out } = await runGraph(graph, feeds);
  expect(out.shape).toEqual(result.shape);
  return { data: out.data, shape: [...out.shape] };
}

/** Values of an array as a function of its indices, in C order. */
function tabulate(shape: readonly number[], value: (...index: number[]) => number): number[] {
  const [side, ...rest] = shape;
  if (side === undefined) return [value()];
  return Array.from({ length: side }, (_, i) => tabulate(rest, (...more) => value(i, ...more))).flat();
}

function at({ data, shape }: Plain, ...index: number[]): number {
  return data[index.reduce((position, i, axis) => position * shape[axis] + i, 0)];
}

const EXACT = 1e-6;

describe("operators against plain computation", () => {
  it("element by element, with broadcasting", async () => {
    const [a, b] = [random(1, 2, 3, 4), random(2, 3, 1)];
    const pairs: [typeof op.add, (x: number, y: number) => number][] = [
      [op.add, (x, y) => x + y],
      [op.sub, (x, y) => x - y],
      [op.mul, (x, y) => x * y],
      [op.div, (x, y) => x / y],
      [op.min, (x, y) => Math.min(x, y)],
    ];
    for (const [operator, formula] of pairs) {
      const { data } = await evaluate(operator, a, b);
      const expected = tabulate([2, 3, 4], (i, j, k) => formula(at(a, i, j, k), at(b, j, 0)));
      for (const [i, value] of expected.entries()) expect(Math.abs(data[i] / value - 1)).toBeLessThan(EXACT);
    }
  });

  it("functions of one number, the GELU by the error function", async () => {
    const x = { data: randomValues(500, 3).map((value) => value * 6), shape: [500] };
    const pairs: [typeof op.sin, (x: number) => number][] = [
      [op.sin, Math.sin],
      [op.cos, Math.cos],
      [op.relu, (value) => Math.max(0, value)],
      [op.sigmoid, (value) => 1 / (1 + Math.exp(-value))],
      [op.gelu, gelu],
    ];
    for (const [operator, formula] of pairs) {
      const { data } = await evaluate(operator, x);
      expect(largestDifference(data, Array.from(x.data, formula)), operator.name).toBeLessThan(2e-6);
    }
  });

  it("softmax and layer normalization over the last axis", async () => {
    const x = random(4, 3, 5);
    const soft = await evaluate(op.softmax, x);
    const total = (i: number): number => [0, 1, 2, 3, 4].reduce((sum, j) => sum + Math.exp(at(x, i, j)), 0);
    expect(
      largestDifference(
        soft.data,
        tabulate([3, 5], (i, j) => Math.exp(at(x, i, j)) / total(i)),
      ),
    ).toBeLessThan(EXACT);

    const [scale, bias] = [random(5, 5), random(6, 5)];
    const normed = await evaluate((a, b, c) => op.layerNormalization(a, b, c, 0.1), x, scale, bias);
    const mean = (i: number): number => [0, 1, 2, 3, 4].reduce((sum, j) => sum + at(x, i, j) / 5, 0);
    const variance = (i: number): number =>
      [0, 1, 2, 3, 4].reduce((sum, j) => sum + (at(x, i, j) - mean(i)) ** 2 / 5, 0);
    const expected = tabulate(
      [3, 5],
      (i, j) => ((at(x, i, j) - mean(i)) / Math.sqrt(variance(i) + 0.1)) * scale.data[j] + bias.data[j],
    );
    expect(largestDifference(normed.data, expected)).toBeLessThan(2e-6);
  });

  it("products of matrices", async () => {
    const [a, b] = [random(7, 2, 3, 4), random(8, 1, 4, 5)];
    const product = await evaluate(op.matMul, a, b);
    const expected = tabulate([2, 3, 5], (n, i, j) =>
      [0, 1, 2, 3].reduce((sum, k) => sum + at(a, n, i, k) * at(b, 0, k, j), 0),
    );
    expect(largestDifference(product.data, expected)).toBeLessThan(EXACT);

    const [x, weight, bias] = [random(9, 3, 4), random(10, 2, 4), random(11, 2)];
    const rows = tabulate([3, 2], (i, o) =>
      [0, 1, 2, 3].reduce((sum, k) => sum + at(x, i, k) * at(weight, o, k), bias.data[o]),
    );
    expect(largestDifference((await evaluate(op.gemm, x, weight, bias)).data, rows)).toBeLessThan(EXACT);
    const bare = await evaluate((a1, b1) => op.gemm(a1, b1, null), x, weight);
    expect(
      largestDifference(
        bare.data,
        tabulate([3, 2], (i, o) => rows[i * 2 + o] - bias.data[o]),
      ),
    ).toBeLessThan(EXACT);
  });

  it("convolution with stride and padding", async () => {
    const [x, weight, bias] = [random(12, 1, 2, 9, 9), random(13, 3, 2, 5, 3), random(14, 3)];
    const options = { stride: [2, 4], padding: [1, 2] } as const;
    const out = await evaluate((a, b, c) => op.conv(a, b, c, options), x, weight, bias);
    const expected = tabulate([1, 3, 4, 3], (_, o, y, z) => {
      let sum = bias.data[o];
      for (let c = 0; c < 2; c++) {
        for (let i = 0; i < 5; i++) {
          for (let j = 0; j < 3; j++) {
            const [row, column] = [2 * y + i - 1, 4 * z + j - 2];
            if (row >= 0 && row < 9 && column >= 0 && column < 9)
              sum += at(x, 0, c, row, column) * at(weight, o, c, i, j);
          }
        }
      }
      return sum;
    });
    expect(out.shape).toEqual([1, 3, 4, 3]);
    expect(largestDifference(out.data, expected)).toBeLessThan(2e-6);
  });

  it("movements of values", async () => {
    const x = random(15, 2, 3, 4);
    const moved = await evaluate((a) => op.transpose(a, [2, 0, 1]), x);
    expect([...moved.data]).toEqual(tabulate([4, 2, 3], (k, i, j) => at(x, i, j, k)));
    const flat = await evaluate((a) => op.reshape(a, [6, 4]), x);
    expect([...flat.data]).toEqual([...x.data]);
    const cut = await evaluate((a) => op.slice(a, 1, 1, 3), x);
    expect([...cut.data]).toEqual(tabulate([2, 2, 4], (i, j, k) => at(x, i, j + 1, k)));
    const padded = await evaluate((a) => op.padEnd(a, [1, 0, 2]), x);
    expect([...padded.data]).toEqual(tabulate([3, 3, 6], (i, j, k) => (i < 2 && k < 4 ? at(x, i, j, k) : 0)));
    const joined = await evaluate((a, b) => op.concat([a, b], 1), x, random(16, 2, 1, 4));
    expect(joined.shape).toEqual([2, 4, 4]);
    expect([...joined.data.subarray(0, 12)]).toEqual([...x.data.subarray(0, 12)]);
    const highest = await evaluate((a) => op.reduceMax(a, 1), x);
    expect([...highest.data]).toEqual(
      tabulate([2, 4], (i, k) => Math.max(at(x, i, 0, k), at(x, i, 1, k), at(x, i, 2, k))),
    );
    const wide = await evaluate((a) => op.expand(a, [3, 2, 4]), random(17, 2, 1));
    expect(wide.shape).toEqual([3, 2, 4]);
    const [row, like] = [random(18, 1, 3), random(19, 5, 2)];
    const repeated = await evaluate(op.repeatLike, row, like);
    expect([...repeated.data]).toEqual(tabulate([5, 3], (_, j) => at(row, 0, j)));
  });

  it("rows of a table by index; −1 is the last", async () => {
    const graph = new op.Graph("test");
    const table = random(20, 4, 3);
    const labels = graph.input("labels", "int32", ["n"]);
    graph.output(
      "rows",
      op.gatherRows(graph.weight({ name: "table", shape: [4, 3], load: async () => table.data }), labels),
    );
    graph.output("floats", op.castToFloat(labels));
    const { rows, floats } = await runGraph(graph, { labels: { data: Int32Array.of(2, -1, 0), shape: [3] } });
    expect([...rows.data]).toEqual(
      [2, 3, 0].flatMap((row) => [...table.data.subarray(3 * row, 3 * row + 3)]),
    );
    expect([...floats.data]).toEqual([2, -1, 0]);
  });

  it("attention of several heads, biases added to query, key and value", async () => {
    const [heads, width] = [2, 6];
    const [q, k, v, bias] = [
      random(21, 2, 3, width),
      random(22, 2, 5, width),
      random(23, 2, 5, width),
      random(24, 3 * width),
    ];
    const out = await evaluate((a, b, c, d) => op.multiHeadAttention(a, b, c, d, heads), q, k, v, bias);
    const expected = tabulate([2, 3, width], (n, i, c) => {
      const first = Math.floor(c / 3) * 3;
      const powers = [0, 1, 2, 3, 4].map((j) => {
        const dot = [0, 1, 2].reduce(
          (sum, d) =>
            sum +
            (at(q, n, i, first + d) + bias.data[first + d]) *
              (at(k, n, j, first + d) + bias.data[width + first + d]),
          0,
        );
        return Math.exp(dot / Math.sqrt(3));
      });
      const total = powers.reduce((sum, power) => sum + power, 0);
      return powers.reduce(
        (sum, power, j) => sum + (power / total) * (at(v, n, j, c) + bias.data[2 * width + c]),
        0,
      );
    });
    expect(largestDifference(out.data, expected)).toBeLessThan(EXACT);
  });
});

describe("shape inference", () => {
  const graph = new op.Graph("test");
  const x = graph.input("x", "float32", ["batch", "points", 4]);
  const y = graph.input("y", "float32", ["1|batch", 3, 4]);

  it("follows symbols through reshape, concat and broadcasting", () => {
    expect(op.reshape(x, ["batch", "points", 2, 2]).shape).toEqual(["batch", "points", 2, 2]);
    expect(op.concat([x, graph.input("z", "float32", ["batch", 1, 4])], 1).shape).toEqual([
      "batch",
      "points+1",
      4,
    ]);
    const square = graph.input("square", "float32", ["batch", 4, 3]);
    expect(op.matMul(y, square).shape).toEqual(["batch", 3, 3]);
  });

  it("refuses what cannot run, where it is written", () => {
    expect(() => op.add(x, graph.input("w", "float32", [5]))).toThrow("does not broadcast");
    expect(() => op.matMul(x, y)).toThrow("MatMul of [batch, points, 4] and [1|batch, 3, 4]");
    expect(() => op.reshape(x, [4, "points", "batch"])).not.toThrow();
    expect(() => op.reshape(x, [4, "points*2", "batch/2"])).toThrow("ambiguous");
    expect(() => op.transpose(x, [0, 0, 1])).toThrow("Transpose");
    expect(() => op.add(x, new op.Graph("other").scalar(1))).toThrow("another graph");
  });
});
