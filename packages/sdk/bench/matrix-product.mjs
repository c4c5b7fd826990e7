// The machine's float32 rate: a product of two square matrices through ONNX Runtime.
import { encodeModel, Graph, matMul } from "@unsam/core/graph";
import { openSession } from "@unsam/core/runtime";
// Not among the package's exports, because loading it loads ONNX Runtime.
import { Tensor } from "../../core/dist/runtime/onnx-runtime.js";

export const PRODUCT_SIDE = 1536;

/** A function that multiplies once. */
export async function matrixProduct(threads) {
  const graph = new Graph("product");
  const [a, b] = ["a", "b"].map((name) => graph.input(name, "float32", [PRODUCT_SIDE, PRODUCT_SIDE]));
  graph.output("c", matMul(a, b));
  const session = await openSession(await encodeModel(graph), { threads, providers: ["cpu"] });
  const data = new Float32Array(PRODUCT_SIDE ** 2).map((_, i) => (i % 7) - 3);
  const tensor = new Tensor("float32", data, [PRODUCT_SIDE, PRODUCT_SIDE]);
  return () => session.run({ a: tensor, b: tensor });
}
