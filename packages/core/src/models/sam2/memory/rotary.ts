import {
  add,
  concat,
  type Graph,
  type LazyTensor,
  matMul,
  mul,
  slice,
  sub,
  type Value,
} from "../../../graph/index.js";
import { permuted, reordered } from "../../layers/derived-tensor.js";
import type { WeightView } from "../../layers/weight-view.js";

/** Angles of the rotary position encoding of a map, [side², width / 2] each. */
export interface RotaryTables {
  readonly cos: Value;
  readonly sin: Value;
}

/**
 * Axial rotary encoding (Heo et al. 2024): the first half of the channel pairs turns with x, the second with y. Positions
 * count from 0, whatever the memory frame.
 */
export function rotaryTables(graph: Graph, side: number, width: number, theta: number): RotaryTables {
  const table = (name: string, of: (angle: number) => number): LazyTensor => ({
    name: `rotary_${name}`,
    shape: [side * side, width / 2],
    load: async () => {
      const perAxis = width / 4;
      const result = new Float32Array((side * side * width) / 2);
      for (let cell = 0; cell < side * side; cell++) {
        const [x, y] = [cell % side, Math.floor(cell / side)];
        for (let j = 0; j < perAxis; j++) {
          const frequency = theta ** ((-4 * j) / width);
          result[cell * 2 * perAxis + j] = of(x * frequency);
          result[(cell * 2 + 1) * perAxis + j] = of(y * frequency);
        }
      }
      return result;
    },
  });
  return { cos: graph.weight(table("cos", Math.cos)), sin: graph.weight(table("sin", Math.sin)) };
}

/**
 * A projection to queries or keys whose channels are sorted: the first of each pair (2j, 2j + 1), then the second. Scores do
 * not change where queries and keys are sorted alike, and a rotation works on two halves instead of on neighbours.
 */
export function sortedLinear(x: Value, name: string, outputs: number, weights: WeightView): Value {
  const order = Array.from({ length: outputs }, (_, i) =>
    i < outputs / 2 ? 2 * i : 2 * (i - outputs / 2) + 1,
  );
  const weight = weights.tensor(`${name}.weight`, [outputs, Number(x.shape.at(-1))]);
  const bias = weights.tensor(`${name}.bias`, [outputs]);
  const g = x.graph;
  const product = matMul(x, g.weight(permuted(reordered("sorted", weight, order), [1, 0])));
  return add(product, g.weight(reordered("sorted", bias, order)));
}

/** x [..., side², width], channels as `sortedLinear` sorts them, each pair turned by the angle of its place. */
export function rotated(x: Value, { cos, sin }: RotaryTables): Value {
  const axis = x.shape.length - 1;
  const width = Number(x.shape[axis]);
  const first = slice(x, axis, 0, width / 2);
  const second = slice(x, axis, width / 2, width);
  return concat([sub(mul(first, cos), mul(second, sin)), add(mul(first, sin), mul(second, cos))], axis);
}
