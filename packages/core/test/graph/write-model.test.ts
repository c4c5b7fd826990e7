import { mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeModel, Graph, gemm, isWrittenModel, writeModel } from "#core/graph/index.js";
import { randomValues } from "../support/random.js";
import { feed, openSession } from "../support/run-graph.js";

const posix = process.platform !== "win32";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Records which weights are loaded, and how many at the same time. */
function layered(loads: string[]): Graph {
  const graph = new Graph("layers");
  let value = graph.input("x", "float32", [3, 7]);
  for (let layer = 0; layer < 4; layer++) {
    const tensor = (name: string, shape: readonly number[]) =>
      graph.weight({
        name: `${name}${layer}`,
        shape,
        load: async () => {
          loads.push(`${name}${layer}`);
          return randomValues(
            shape.reduce((product, side) => product * side, 1),
            layer,
          );
        },
      });
    value = gemm(value, tensor("weight", [7, 7]), tensor("bias", [7]));
  }
  graph.output("y", value);
  return graph;
}

describe("a graph as an ONNX model", () => {
  it("is the same with its weights inside and in a file beside it", async () => {
    const loads: string[] = [];
    const graph = layered(loads);
    expect(loads).toEqual([]);
    const inside = await openSession(await encodeModel(graph));
    await writeModel(graph, folder);
    const beside = await openSession(path.join(folder, "model.onnx"));
    const x = { x: feed({ data: randomValues(21, 5), shape: [3, 7] }) };
    const [a, b] = [await inside.run(x), await beside.run(x)];
    expect(b.y.data).toEqual(a.y.data);
    expect(loads).toHaveLength(16);
    for (const name of ["model.onnx", "weights.bin"]) {
      if (posix) expect((await stat(path.join(folder, name))).mode & 0o777).toBe(0o600);
    }
    await Promise.all([inside.release(), beside.release()]);
  });

  it("is known again byte by byte", async () => {
    const written = await mkdtemp(path.join(folder, "written-"));
    await writeModel(layered([]), written);
    const names = ["model.onnx", "weights.bin"] as const;
    const compare = async () => {
      const [model, weights] = await Promise.all(names.map((name) => open(path.join(written, name))));
      const same = await isWrittenModel(layered([]), { model, weights });
      await Promise.all([model.close(), weights.close()]);
      return same;
    };
    expect(await compare()).toBe(true);
    for (const name of names) {
      const file = path.join(written, name);
      const bytes = await readFile(file);
      for (const changed of [
        bytes.subarray(0, -1),
        Buffer.concat([bytes, Buffer.alloc(1)]),
        Buffer.alloc(0),
        ...[0, bytes.length >> 1, bytes.length - 1].map((at) => {
          const copy = Buffer.from(bytes);
          copy[at] ^= 1;
          return copy;
        }),
      ]) {
        await writeFile(file, changed);
        expect(await compare()).toBe(false);
      }
      await writeFile(file, bytes);
      expect(await compare()).toBe(true);
    }
  });

  it("refuses weights that are not as long as their shape", async () => {
    const graph = new Graph("wrong");
    const x = graph.input("x", "float32", [1, 2]);
    const weight = graph.weight({ name: "w", shape: [2, 2], load: async () => new Float32Array(3) });
    graph.output("y", gemm(x, weight, null));
    await expect(encodeModel(graph)).rejects.toThrow("w has 3 values for shape [2, 2]");
  });

  it("stops writing when it is told to", async () => {
    const other = await mkdtemp(path.join(folder, "stopped-"));
    await expect(writeModel(layered([]), other, AbortSignal.abort(new Error("enough")))).rejects.toThrow(
      "enough",
    );
  });
});
