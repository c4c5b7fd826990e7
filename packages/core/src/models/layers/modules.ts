import { add, layerNormalization, matMul, relu, reshape, transpose, type Value } from "../../graph/index.js";
import { permuted } from "./derived-tensor.js";
import type { WeightView } from "./weight-view.js";

/** x [..., in] · Wᵀ + b by the tensors `name.weight` [out, in] and `name.bias` [out]. */
export function linear(x: Value, name: string, outputs: number, weights: WeightView): Value {
  const bias = x.graph.weight(weights.tensor(`${name}.bias`, [outputs]));
  return add(project(x, name, outputs, weights), bias);
}

/** The same without the bias. */
export function project(x: Value, name: string, outputs: number, weights: WeightView): Value {
  const weight = weights.tensor(`${name}.weight`, [outputs, Number(x.shape.at(-1))]);
  return matMul(x, x.graph.weight(permuted(weight, [1, 0])));
}

export function norm(x: Value, name: string, epsilon: number, weights: WeightView): Value {
  const width = Number(x.shape.at(-1));
  const scale = x.graph.weight(weights.tensor(`${name}.weight`, [width]));
  const bias = x.graph.weight(weights.tensor(`${name}.bias`, [width]));
  return layerNormalization(x, scale, bias, epsilon);
}

/** Linear layers with ReLU between them; `widths` are their outputs. */
export function mlp(
  x: Value,
  names: readonly string[],
  widths: readonly number[],
  weights: WeightView,
): Value {
  let value = x;
  names.forEach((name, index) => {
    const layer = linear(value, name, widths[index], weights);
    value = index < names.length - 1 ? relu(layer) : layer;
  });
  return value;
}

/** The official MLP module: `name.layers.0`, `name.layers.1`, … */
export function mlpModule(x: Value, name: string, widths: readonly number[], weights: WeightView): Value {
  return mlp(
    x,
    widths.map((_, index) => `${name}.layers.${index}`),
    widths,
    weights,
  );
}

/** [side², c] → [1, c, side, side] */
export function planes(tokens: Value, side: number): Value {
  return reshape(transpose(tokens, [1, 0]), [1, tokens.shape[1], side, side]);
}
