import { encodeModel, type Graph } from "#core/graph/index.js";
import { InferenceSession, Tensor } from "#core/runtime/onnx-runtime.js";

export type Array = { readonly data: Float32Array | Int32Array; readonly shape: readonly number[] };

export function openSession(model: Uint8Array | string): Promise<InferenceSession> {
  const options = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
  return typeof model === "string"
    ? InferenceSession.create(model, options)
    : InferenceSession.create(model, options);
}

export function feed({ data, shape }: Array): Tensor {
  return data instanceof Int32Array ? new Tensor("int32", data, shape) : new Tensor("float32", data, shape);
}

/** Runs a graph once on ONNX Runtime. */
export async function runGraph(
  graph: Graph,
  inputs: Readonly<Record<string, Array>>,
): Promise<Record<string, { data: Float32Array; shape: readonly number[] }>> {
  const session = await openSession(await encodeModel(graph));
  try {
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, array]) => [name, feed(array)]));
    const outputs = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [
        name,
        { data: tensor.data as Float32Array, shape: tensor.dims },
      ]),
    );
  } finally {
    await session.release();
  }
}
