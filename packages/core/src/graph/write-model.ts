import { createHash } from "node:crypto";
import { open, writeFile } from "node:fs/promises";
import path from "node:path";
import { elementCount } from "../tensor.js";
import type { Attribute, Graph, GraphNode, LazyTensor, Value } from "./graph.js";
import { ATTRIBUTE_TYPE, DATA_TYPE, EXTERNAL, ModelProto } from "./onnx-schema.js";
import type { Shape } from "./shape.js";

/** The first operator set with Gelu, and the version of the file format that came with it. */
const OPERATOR_SET = 20;
const IR_VERSION = 9;

/** Beginnings of tensors in the weights file, so that ONNX Runtime can map them. */
const ALIGNMENT = 64;

export const MODEL_FILE = "model.onnx";
export const WEIGHTS_FILE = "weights.bin";

export interface WrittenFile {
  readonly name: string;
  readonly byteLength: number;
  /** lower-case hex */
  readonly sha256: string;
}

/** The model as one buffer with all weights inside: for graphs of a few megabytes. */
export async function encodeModel(graph: Graph): Promise<Uint8Array> {
  const initializers = [];
  for (const weight of graph.weights) {
    initializers.push({ ...describe(weight), rawData: bytesOf(await loadChecked(weight)) });
  }
  return encode(graph, initializers);
}

/**
 * Writes `model.onnx` and beside it `weights.bin`, one tensor at a time, so that no more than one is in memory.
 * Give ONNX Runtime the path of the first; it finds the second. The folder must exist.
 */
export async function writeModel(
  graph: Graph,
  folder: string,
  signal?: AbortSignal,
): Promise<readonly WrittenFile[]> {
  const initializers = [];
  const hash = createHash("sha256");
  let offset = 0;
  const file = await open(path.join(folder, WEIGHTS_FILE), "wx");
  try {
    for (const weight of graph.weights) {
      signal?.throwIfAborted();
      const gap = new Uint8Array((ALIGNMENT - (offset % ALIGNMENT)) % ALIGNMENT);
      const bytes = bytesOf(await loadChecked(weight));
      for (const part of [gap, bytes]) {
        hash.update(part);
        await file.writeFile(part);
      }
      offset += gap.length;
      initializers.push({
        ...describe(weight),
        dataLocation: EXTERNAL,
        externalData: [
          { key: "location", value: WEIGHTS_FILE },
          { key: "offset", value: String(offset) },
          { key: "length", value: String(bytes.length) },
        ],
      });
      offset += bytes.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const model = encode(graph, initializers);
  await writeFile(path.join(folder, MODEL_FILE), model, { flag: "wx", flush: true });
  return [
    { name: MODEL_FILE, byteLength: model.length, sha256: createHash("sha256").update(model).digest("hex") },
    { name: WEIGHTS_FILE, byteLength: offset, sha256: hash.digest("hex") },
  ];
}

async function loadChecked(weight: LazyTensor): Promise<Float32Array> {
  const data = await weight.load();
  if (data.length !== elementCount(weight.shape)) {
    throw new Error(`${weight.name} has ${data.length} values for shape [${weight.shape.join(", ")}]`);
  }
  return data;
}

function describe(weight: LazyTensor): object {
  return { name: weight.name, dims: weight.shape, dataType: DATA_TYPE.float32 };
}

/** ONNX wants little-endian bytes, which is what every platform ONNX Runtime supports has. */
function bytesOf(data: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function encode(graph: Graph, weights: readonly object[]): Uint8Array {
  const constants = graph.constants.map(({ name, shape, data }) => ({
    name,
    dims: shape,
    dataType: data instanceof Float32Array ? DATA_TYPE.float32 : DATA_TYPE.int64,
    rawData: bytesOf(data),
  }));
  // A graph output must be the result of a node of that name.
  const named = graph.outputs.map(({ name, value }) => ({
    input: [value.name],
    output: [name],
    opType: "Identity",
  }));
  return ModelProto.encode({
    irVersion: IR_VERSION,
    producerName: "unsam",
    opsetImport: [
      { domain: "", version: OPERATOR_SET },
      { domain: "com.microsoft", version: 1 },
    ],
    graph: {
      name: graph.name,
      node: [...graph.nodes.map(nodeProto), ...named],
      initializer: [...constants, ...weights],
      input: graph.inputs.map((value) => valueInfo(value.name, value)),
      output: graph.outputs.map(({ name, value }) => valueInfo(name, value)),
    },
  }).finish();
}

function nodeProto(node: GraphNode): object {
  return {
    input: node.inputs,
    output: node.outputs,
    name: node.outputs[0],
    opType: node.operator,
    domain: node.domain,
    attribute: [...node.attributes].map(([name, attribute]) => attributeProto(name, attribute)),
  };
}

function attributeProto(name: string, attribute: Attribute): object {
  const type = ATTRIBUTE_TYPE[attribute.kind];
  switch (attribute.kind) {
    case "int":
      return { name, type, i: attribute.value };
    case "float":
      return { name, type, f: attribute.value };
    case "ints":
      return { name, type, ints: attribute.value };
    case "string":
      return { name, type, s: Buffer.from(attribute.value) };
  }
}

function valueInfo(name: string, value: Value): object {
  return { name, type: { tensorType: { elemType: DATA_TYPE[value.type], shape: shapeProto(value.shape) } } };
}

function shapeProto(shape: Shape): object {
  return { dim: shape.map((side) => (typeof side === "number" ? { dimValue: side } : { dimParam: side })) };
}
