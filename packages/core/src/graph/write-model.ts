/// <reference types="node" preserve="true" />
import { type FileHandle, open } from "node:fs/promises";
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

/** Read at once to compare. */
const PIECE = 4 * 2 ** 20;

export const MODEL_FILE = "model.onnx";
export const WEIGHTS_FILE = "weights.bin";

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
 * Give ONNX Runtime the path of the first; it finds the second. The folder must exist. Only the user reads the files.
 */
export async function writeModel(graph: Graph, folder: string, signal?: AbortSignal): Promise<void> {
  const layout = new WeightsLayout(graph);
  await fill(path.join(folder, WEIGHTS_FILE), async (file) => {
    for await (const piece of layout.pieces(signal)) await file.writeFile(piece);
  });
  await fill(path.join(folder, MODEL_FILE), (file) => file.writeFile(encode(graph, layout.initializers)));
}

/** Whether two open files hold, byte for byte, what `writeModel` would write for this graph. */
export async function isWrittenModel(
  graph: Graph,
  files: { readonly model: FileHandle; readonly weights: FileHandle },
  signal?: AbortSignal,
): Promise<boolean> {
  const layout = new WeightsLayout(graph);
  let at = 0;
  for await (const piece of layout.pieces(signal)) {
    if (!(await hasBytes(files.weights, at, piece))) return false;
    at += piece.length;
  }
  const model = encode(graph, layout.initializers);
  const [{ size: modelSize }, { size: weightsSize }] = [await files.model.stat(), await files.weights.stat()];
  return modelSize === model.length && weightsSize === at && hasBytes(files.model, 0, model);
}

/** Where each tensor lies in the weights file. */
class WeightsLayout {
  readonly initializers: object[] = [];
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The bytes of the file from its beginning. `initializers` is complete after the last. */
  async *pieces(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    let offset = 0;
    for (const weight of this.#graph.weights) {
      signal?.throwIfAborted();
      const gap = (ALIGNMENT - (offset % ALIGNMENT)) % ALIGNMENT;
      if (gap > 0) yield new Uint8Array(gap);
      offset += gap;
      const bytes = bytesOf(await loadChecked(weight));
      this.initializers.push({
        ...describe(weight),
        dataLocation: EXTERNAL,
        externalData: [
          { key: "location", value: WEIGHTS_FILE },
          { key: "offset", value: String(offset) },
          { key: "length", value: String(bytes.length) },
        ],
      });
      yield bytes;
      offset += bytes.length;
    }
  }
}

async function fill(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function hasBytes(file: FileHandle, at: number, expected: Uint8Array): Promise<boolean> {
  const found = new Uint8Array(Math.min(expected.length, PIECE));
  for (let done = 0; done < expected.length; ) {
    const wanted = expected.subarray(done, done + PIECE);
    const { bytesRead } = await file.read(found, 0, wanted.length, at + done);
    if (
      bytesRead === 0 ||
      Buffer.compare(found.subarray(0, bytesRead), wanted.subarray(0, bytesRead)) !== 0
    ) {
      return false;
    }
    done += bytesRead;
  }
  return true;
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
