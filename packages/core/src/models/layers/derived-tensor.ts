import type { LazyTensor } from "../../graph/index.js";
import { elementCount } from "../../tensor.js";

// Tensors made from the checkpoint's while the model is written. Arithmetic is in float64, rounded once.

/** Rows `from` to `to` (excluded) of the first axis. */
export function rows(tensor: LazyTensor, from: number, to: number): LazyTensor {
  const rest = tensor.shape.slice(1);
  const width = elementCount(rest);
  return {
    name: `${tensor.name}[${from}:${to}]`,
    shape: [to - from, ...rest],
    load: async () => (await tensor.load()).subarray(from * width, to * width),
  };
}

/** Rows of the first axis in another order. */
export function reordered(name: string, tensor: LazyTensor, order: readonly number[]): LazyTensor {
  const width = elementCount(tensor.shape.slice(1));
  return {
    name: `${tensor.name}.${name}`,
    shape: [order.length, ...tensor.shape.slice(1)],
    load: async () => {
      const data = await tensor.load();
      const result = new Float32Array(order.length * width);
      order.forEach((from, to) => {
        result.set(data.subarray(from * width, (from + 1) * width), to * width);
      });
      return result;
    },
  };
}

export function reshaped(tensor: LazyTensor, shape: readonly number[]): LazyTensor {
  return { name: `${tensor.name}.as(${shape.join("x")})`, shape, load: () => tensor.load() };
}

/** Axes in another order, as in NumPy. */
export function permuted(tensor: LazyTensor, order: readonly number[]): LazyTensor {
  return {
    name: `${tensor.name}.permuted(${order.join()})`,
    shape: order.map((axis) => tensor.shape[axis]),
    load: async () => permuteData(await tensor.load(), tensor.shape, order),
  };
}

function permuteData(source: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const target = new Float32Array(source.length);
  const sides = order.map((axis) => shape[axis]);
  const steps = order.map((axis) => strides[axis]);
  const position = sides.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from];
    for (let axis = sides.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++position[axis] < sides[axis]) break;
      from -= steps[axis] * sides[axis];
      position[axis] = 0;
    }
  }
  return target;
}

/** Concatenation along the first axis. */
export function stacked(name: string, tensors: readonly LazyTensor[]): LazyTensor {
  const shape = [tensors.reduce((sum, tensor) => sum + tensor.shape[0], 0), ...tensors[0].shape.slice(1)];
  return {
    name,
    shape,
    load: async () => {
      const data = new Float32Array(elementCount(shape));
      let offset = 0;
      for (const tensor of tensors) {
        const part = await tensor.load();
        data.set(part, offset);
        offset += part.length;
      }
      return data;
    },
  };
}

/** Two linear maps in a row as one: W = W₂ W₁, b = W₂ b₁ + b₂. Weights [out, in]. */
export function composed(
  name: string,
  first: { readonly weight: LazyTensor; readonly bias: LazyTensor },
  second: { readonly weight: LazyTensor; readonly bias: LazyTensor },
): { readonly weight: LazyTensor; readonly bias: LazyTensor } {
  const [middle, input] = first.weight.shape;
  const output = second.weight.shape[0];
  return {
    weight: {
      name: `${name}.weight`,
      shape: [output, input],
      load: async () => product(await second.weight.load(), await first.weight.load(), output, middle, input),
    },
    bias: {
      name: `${name}.bias`,
      shape: [output],
      load: async () => {
        const moved = product(await second.weight.load(), await first.bias.load(), output, middle, 1, false);
        const own = await second.bias.load();
        return Float32Array.from(moved, (value, index) => value + own[index]);
      },
    },
  };
}

function product(
  a: Float32Array,
  b: Float32Array,
  n: number,
  k: number,
  m: number,
  round?: true,
): Float32Array;
function product(
  a: Float32Array,
  b: Float32Array,
  n: number,
  k: number,
  m: number,
  round: false,
): Float64Array;
function product(
  a: Float32Array,
  b: Float32Array,
  n: number,
  k: number,
  m: number,
  round = true,
): Float32Array | Float64Array {
  const sums = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < k; j++) {
      const factor = a[i * k + j];
      for (let l = 0; l < m; l++) sums[i * m + l] += factor * b[j * m + l];
    }
  }
  return round ? Float32Array.from(sums) : sums;
}
