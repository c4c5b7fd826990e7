// The mask decoders side by side: same weights, same image, same threads, one run. `npm run bench:decoders`.
// node decoders.mjs [--size small] [--threads 2] [--runs 5] [--many 1024] [--model FILE --config FILE]
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { encodeModel, Graph, matMul } from "@unsam/core/graph";
import { UnSAM } from "@unsam/sdk";
import { randomCheckpoint } from "./random-checkpoint.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "small" },
    model: { type: "string" },
    config: { type: "string" },
    threads: { type: "string", default: `${availableParallelism()}` },
    runs: { type: "string", default: "5" },
    many: { type: "string", default: "1024" },
  },
});
const threads = Number(values.threads);
const runs = Number(values.runs);
const counts = [1, 8, 64, Number(values.many)].filter((count) => count > 0);
/** Operations of one prompt of ten tokens at 4096 image tokens, as the official graph does them (multiply + add = 2). */
const REFERENCE_GFLOP = 3.677;

/** Median of the timed calls, in milliseconds; a call over ten seconds is timed once, without warm-up. */
async function median(call) {
  const once = async () => {
    const started = performance.now();
    await call();
    return performance.now() - started;
  };
  const first = await once();
  if (first > 10_000) return first;
  const times = [];
  for (let i = 0; i < runs; i++) times.push(await once());
  return times.sort((a, b) => a - b)[runs >> 1];
}

/** What this machine's float32 matrix product reaches through ONNX Runtime, GFLOP/s. */
async function matrixProductRate() {
  const side = 1536;
  const graph = new Graph("product");
  const [a, b] = ["a", "b"].map((name) => graph.input(name, "float32", [side, side]));
  graph.output("c", matMul(a, b));
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(await encodeModel(graph), { intraOpNumThreads: threads });
  const tensor = new Tensor("float32", new Float32Array(side * side).fill(0.5), [side, side]);
  const milliseconds = await median(() => session.run({ a: tensor, b: tensor }));
  await session.release();
  return (2 * side ** 3) / milliseconds / 1e6;
}

/** Median times for each count of prompts. The photo is tiny, so that bringing masks to its size costs nothing. */
async function measure(options) {
  const unsam = await UnSAM.load({ ...options, threads });
  const photo = {
    data: new Uint8Array(48 * 48 * 3).map((_, i) => (i * 37) % 251),
    width: 48,
    height: 48,
    channels: 3,
  };
  const image = await unsam.encode(photo);
  const times = new Map();
  for (const count of counts) {
    const prompts = Array.from({ length: count }, (_, i) => ({
      points: [[(i * 7) % 48, (i * 11) % 48]],
      granularity: 0.1 + (i % 10) / 10,
    }));
    times.set(count, await median(() => image.segmentAll(prompts)));
  }
  await unsam.dispose();
  return times;
}

const folder = path.join(tmpdir(), "unsam-bench");
const checkpoint = values.model ?? (await randomCheckpoint(folder, values.size, { granularity: true }));
const model = { checkpoint, ...(values.config ? { config: values.config } : {}) };
const rate = await matrixProductRate();
console.log(`float32 matrix product 1536³, ${threads} threads: ${rate.toFixed(0)} GFLOP/s (ONNX Runtime)`);
console.log(`${values.model ?? `UnSAMv2 ${values.size}, random weights`}, ${threads} threads, medians\n`);
console.log("decoder            prompts   ms a prompt   against ONNX   × time of 3.68 GFLOP");

let baseline;
for (const [title, options] of [
  ["onnx", { decoder: "onnx" }],
  ["native float32", { decoder: "native" }],
  ["native bfloat16", { decoder: "native", precision: "bfloat16" }],
]) {
  const times = await measure({ model, ...options }).catch((error) => {
    console.log(`${title.padEnd(18)} ${error.message}`);
  });
  if (!times) continue;
  baseline ??= times;
  for (const [count, time] of times) {
    const each = time / count;
    const ratio = baseline.get(count) / time;
    const share = each / (REFERENCE_GFLOP / rate) / 1e3;
    console.log(
      `${title.padEnd(18)} ${`${count}`.padStart(7)} ${each.toFixed(2).padStart(13)} ${`${ratio.toFixed(2)} ×`.padStart(14)} ${share.toFixed(2).padStart(22)}`,
    );
  }
}
