import type { Attribute, Value } from "./graph.js";
import { addDims, broadcast, countOf, type Dim, type Shape, sameShape, showShape } from "./shape.js";

// One function per ONNX operator. Shapes are inferred here, so that a wrong model fails where it is written.

const int = (value: number): Attribute => ({ kind: "int", value });
const float = (value: number): Attribute => ({ kind: "float", value });
const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });

function one(
  operator: string,
  inputs: readonly (Value | null)[],
  shape: Shape,
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = "",
): Value {
  const first = inputs[0]!;
  return first.graph.node(operator, inputs, [{ type: first.type, shape }], attributes, domain)[0];
}

function require(condition: boolean, operator: string, ...values: readonly Value[]): asserts condition {
  if (!condition) throw new Error(`${operator} of ${values.map((v) => showShape(v.shape)).join(" and ")}`);
}

export const add = (a: Value, b: Value): Value => one("Add", [a, b], broadcast(a.shape, b.shape));
export const sub = (a: Value, b: Value): Value => one("Sub", [a, b], broadcast(a.shape, b.shape));
export const mul = (a: Value, b: Value): Value => one("Mul", [a, b], broadcast(a.shape, b.shape));
export const div = (a: Value, b: Value): Value => one("Div", [a, b], broadcast(a.shape, b.shape));
export const min = (a: Value, b: Value): Value => one("Min", [a, b], broadcast(a.shape, b.shape));
export const sin = (x: Value): Value => one("Sin", [x], x.shape);
export const cos = (x: Value): Value => one("Cos", [x], x.shape);
export const relu = (x: Value): Value => one("Relu", [x], x.shape);
export const sigmoid = (x: Value): Value => one("Sigmoid", [x], x.shape);

/** The exact GELU, x · Φ(x), by the error function. */
export const gelu = (x: Value): Value =>
  one("Gelu", [x], x.shape, { approximate: { kind: "string", value: "none" } });

/** Along the last axis. */
export const softmax = (x: Value): Value => one("Softmax", [x], x.shape, { axis: int(-1) });

/** Over the last axis. */
export function layerNormalization(x: Value, scale: Value, bias: Value, epsilon: number): Value {
  const width = x.shape.at(-1)!;
  require(sameShape(scale.shape, [width]) &&
    sameShape(bias.shape, [width]), "LayerNormalization", x, scale, bias);
  return one("LayerNormalization", [x, scale, bias], x.shape, { axis: int(-1), epsilon: float(epsilon) });
}

/** Matrix product of the last two axes, the others broadcast. */
export function matMul(a: Value, b: Value): Value {
  require(a.shape.length >= 2 && b.shape.length >= 2 && a.shape.at(-1) === b.shape.at(-2), "MatMul", a, b);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return one("MatMul", [a, b], [...batch, a.shape.at(-2)!, b.shape.at(-1)!]);
}

/** x [m, in] · weight [out, in]ᵀ + bias [out] */
export function gemm(x: Value, weight: Value, bias: Value | null): Value {
  const [rows, width] = x.shape;
  require(x.shape.length === 2 && weight.shape.length === 2 && width === weight.shape[1], "Gemm", x, weight);
  if (bias) require(sameShape(bias.shape, [weight.shape[0]]), "Gemm", x, weight, bias);
  return one("Gemm", bias ? [x, weight, bias] : [x, weight], [rows, weight.shape[0]], { transB: int(1) });
}

/**
 * x [n, in, h, w], weight [out, in / groups, kh, kw], bias [out]; zero padding on all sides. As many groups as channels: each
 * channel by itself.
 */
export function conv(
  x: Value,
  weight: Value,
  bias: Value,
  options: {
    readonly stride: readonly [number, number];
    readonly padding: readonly [number, number];
    readonly groups?: number;
  },
): Value {
  const { groups = 1 } = options;
  require(x.shape.length === 4 &&
    weight.shape.length === 4 &&
    x.shape[1] === groups * Number(weight.shape[1]), "Conv", x, weight);
  const side = (axis: 0 | 1): number => {
    const span = Number(x.shape[axis + 2]) + 2 * options.padding[axis] - Number(weight.shape[axis + 2]);
    return Math.floor(span / options.stride[axis]) + 1;
  };
  const [top, left] = options.padding;
  return one("Conv", [x, weight, bias], [x.shape[0], weight.shape[0], side(0), side(1)], {
    ...(groups > 1 ? { group: int(groups) } : {}),
    kernel_shape: ints(weight.shape.slice(2).map(Number)),
    strides: ints(options.stride),
    pads: ints([top, left, top, left]),
  });
}

/**
 * To another shape with as many values. A symbolic side must stand where it stood before, or be the only one that moved.
 */
export function reshape(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const before = countOf(x.shape);
  const after = countOf(shape);
  if (before !== null && after !== null) require(before === after, `Reshape to ${showShape(shape)}`, x);
  let free = 0;
  const target = shape.map((side, axis) => {
    if (typeof side === "number") return side;
    if (x.shape[axis] === side) return 0;
    free++;
    return -1;
  });
  if (free > 1) throw new Error(`Reshape of ${showShape(x.shape)} to ${showShape(shape)} is ambiguous`);
  return one("Reshape", [x, x.graph.integers(target)], shape);
}

export function transpose(x: Value, order: readonly number[]): Value {
  const permutation = [...order].sort((a, b) => a - b).every((axis, index) => axis === index);
  require(order.length === x.shape.length && permutation, `Transpose by ${order.join(", ")}`, x);
  return one(
    "Transpose",
    [x],
    order.map((axis) => x.shape[axis]),
    { perm: ints(order) },
  );
}

export function concat(values: readonly Value[], axis: number): Value {
  const [first, ...rest] = values;
  let side: Dim = first.shape[axis];
  for (const value of rest) {
    const fits = value.shape.every((other, index) => index === axis || other === first.shape[index]);
    require(fits && value.shape.length === first.shape.length, "Concat", first, value);
    side = addDims(side, value.shape[axis]);
  }
  return one(
    "Concat",
    values,
    first.shape.map((other, index) => (index === axis ? side : other)),
    { axis: int(axis) },
  );
}

/** Positions `from` (included) to `to` (excluded) along one axis. */
export function slice(x: Value, axis: number, from: number, to: number): Value {
  const side = x.shape[axis];
  require(from >= 0 && to > from && (typeof side !== "number" || to <= side), `Slice ${from}:${to}`, x);
  const g = x.graph;
  const inputs = [x, g.integers([from]), g.integers([to]), g.integers([axis])];
  return one(
    "Slice",
    inputs,
    x.shape.map((other, index) => (index === axis ? to - from : other)),
  );
}

/** Rows of a table [n, c] by index; the result has the shape [...indices, c]. */
export function gatherRows(table: Value, indices: Value): Value {
  require(table.shape.length === 2 && indices.type !== "float32", "Gather", table, indices);
  return one("Gather", [table, indices], [...indices.shape, table.shape[1]], { axis: int(0) });
}

export function castToFloat(x: Value): Value {
  return x.graph.node("Cast", [x], [{ type: "float32", shape: x.shape }], { to: int(1) })[0];
}

/** Zeros after the last position of each axis. */
export function padEnd(x: Value, amounts: readonly number[]): Value {
  require(amounts.length === x.shape.length, "Pad", x);
  if (amounts.every((amount) => amount === 0)) return x;
  const shape = x.shape.map((side, axis) => (amounts[axis] === 0 ? side : addDims(side, amounts[axis])));
  return one("Pad", [x, x.graph.integers([...amounts.map(() => 0), ...amounts])], shape);
}

/** Repeats sides of length one. Symbolic sides stay as they are. */
export function expand(x: Value, shape: Shape): Value {
  const result = broadcast(x.shape, shape);
  const target = result.map((side) => (typeof side === "number" ? side : 1));
  return one("Expand", [x, x.graph.integers(target)], result);
}

/** Repeats x [1, …] along its first axis as often as `like` has rows. */
export function repeatLike(x: Value, like: Value): Value {
  require(x.shape[0] === 1, "repeatLike", x, like);
  const g = x.graph;
  const ends = { start: int(0), end: int(1) };
  const [rows] = g.node("Shape", [like], [{ type: "int64", shape: [1] }], ends);
  const rest = g.integers(x.shape.slice(1).map(Number));
  const target = one("Concat", [rows, rest], [x.shape.length], { axis: int(0) });
  return one("Expand", [x, target], [like.shape[0], ...x.shape.slice(1)]);
}

/** Maximum over one axis, which disappears. */
export function reduceMax(x: Value, axis: number): Value {
  const shape = x.shape.filter((_, index) => index !== axis);
  return one("ReduceMax", [x, x.graph.integers([axis])], shape, { keepdims: int(0) });
}

/**
 * Softmax attention of several heads in one node (an operator of ONNX Runtime itself; its CPU kernel never holds the
 * whole score matrix). query [b, n, c], key and value [b, m, c], each laid out [head][c / heads]; bias [3c], where there is
 * one, is added to query, key and value. Scale (c / heads)^−½.
 */
export function multiHeadAttention(
  query: Value,
  key: Value,
  value: Value,
  bias: Value | null,
  heads: number,
): Value {
  const width = Number(query.shape[2]);
  require(sameShape(key.shape, value.shape) &&
    key.shape[2] === width, "MultiHeadAttention", query, key, value);
  require(width % heads === 0, "MultiHeadAttention", query);
  if (bias) require(sameShape(bias.shape, [3 * width]), "MultiHeadAttention", query, bias);
  return one(
    "MultiHeadAttention",
    bias ? [query, key, value, bias] : [query, key, value],
    query.shape,
    { num_heads: int(heads), scale: float((width / heads) ** -0.5) },
    "com.microsoft",
  );
}
