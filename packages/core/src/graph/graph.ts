import { countOf, type Dim, type Shape, showShape } from "./shape.js";

export type ElementType = "float32" | "int32" | "int64";

/** A tensor whose values are read when the model is written, not while the graph is built. float32, C order. */
export interface LazyTensor {
  readonly name: string;
  readonly shape: readonly number[];
  load(): Promise<Float32Array>;
}

/** Something a node computes, an input of the graph, or a constant. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string };

export interface GraphNode {
  readonly operator: string;
  /** "" for the operators of ONNX itself. */
  readonly domain: string;
  /** An empty name is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** A computation under construction: nodes in the order in which they were added, which is an order they can run in. */
export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly nodes: GraphNode[] = [];
  readonly constants: Constant[] = [];
  readonly weights: LazyTensor[] = [];
  readonly #known = new Map<string, Value>();
  #counter = 0;

  constructor(readonly name: string) {}

  input(name: string, type: ElementType, shape: Shape): Value {
    const value = this.#declare(name, type, shape);
    this.inputs.push(value);
    return value;
  }

  output(name: string, value: Value): void {
    if (this.outputs.some((output) => output.name === name)) throw new Error(`output ${name} exists already`);
    this.outputs.push({ name, value });
  }

  /** A tensor of the model. The same name twice is the same tensor. */
  weight(tensor: LazyTensor): Value {
    const known = this.#known.get(tensor.name);
    if (known) return known;
    this.weights.push(tensor);
    return this.#declare(tensor.name, "float32", tensor.shape);
  }

  /** A small array that is part of the graph itself. */
  constant(data: Float32Array | BigInt64Array, shape: readonly number[]): Value {
    if (countOf(shape) !== data.length)
      throw new Error(`${data.length} values for shape ${showShape(shape)}`);
    const name = this.#fresh("constant");
    this.constants.push({ name, shape, data });
    return this.#declare(name, data instanceof Float32Array ? "float32" : "int64", shape);
  }

  scalar(value: number): Value {
    return this.constant(Float32Array.of(value), []);
  }

  integers(values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** Adds a node; `results` gives type and shape of each of its outputs. `null` inputs are left out. */
  node(
    operator: string,
    inputs: readonly (Value | null)[],
    results: readonly { readonly type: ElementType; readonly shape: Shape }[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = "",
  ): Value[] {
    for (const input of inputs) {
      if (input && input.graph !== this) throw new Error(`${input.name} belongs to another graph`);
    }
    const outputs = results.map((result) => this.#declare(this.#fresh(operator), result.type, result.shape));
    this.nodes.push({
      operator,
      domain,
      inputs: inputs.map((input) => input?.name ?? ""),
      outputs: outputs.map((output) => output.name),
      attributes: new Map(Object.entries(attributes)),
    });
    return outputs;
  }

  #declare(name: string, type: ElementType, shape: readonly Dim[]): Value {
    if (this.#known.has(name)) throw new Error(`the name ${name} is taken`);
    const value: Value = { graph: this, name, type, shape };
    this.#known.set(name, value);
    return value;
  }

  #fresh(stem: string): string {
    return `${stem}_${this.#counter++}`;
  }
}
