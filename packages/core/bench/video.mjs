// `npm run bench:video`: milliseconds of a tracked frame by stage, the addon beside ONNX Runtime in one run, on random
// weights of a published size. node video.mjs [--size tiny|small|base-plus|large] [--frames 1,7] [--runs N] [--threads N]
import os from "node:os";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { loadNative } from "@unsam/native-cuda";
import { openEncoder, openNetwork, randomModel, randomValues } from "./video-networks.mjs";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "small" },
    frames: { type: "string", default: "1,7" },
    runs: { type: "string", default: "1" },
    threads: { type: "string", default: String(os.availableParallelism()) },
  },
});
const [runs, threads] = [Number(values.runs), Number(values.threads)];
const { binding, reason } = await loadNative({ cacheDir: null });
if (binding === null) throw new Error(reason);

/** Medians by wall and by processor time, in milliseconds. */
async function median(call) {
  const times = [];
  for (let i = 0; i < runs; i++) {
    const [started, cpu] = [performance.now(), process.cpuUsage()];
    await call();
    const { user, system } = process.cpuUsage(cpu);
    times.push([performance.now() - started, (user + system) / 1000]);
  }
  return [0, 1].map((which) => times.map((pair) => pair[which]).sort((a, b) => a - b)[runs >> 1]);
}

function row(stage, onnx, own) {
  const cell = (pair) => (pair ? `${pair[0].toFixed(0)} (${pair[1].toFixed(0)})` : "");
  const ratio = onnx && own ? `${(onnx[0] / own[0]).toFixed(1)} (${(onnx[1] / own[1]).toFixed(1)}) ×` : "";
  console.log(`| ${stage} | ${cell(onnx)} | ${cell(own)} | ${ratio} |`);
}

const model = randomModel(values.size);
const encoder = await openEncoder(model, binding, threads);
const networks = {};
for (const kind of ["native", "onnx"]) networks[kind] = await openNetwork(model, kind, binding, threads);
const { imageSize, memoryWidth } = networks.onnx.rules;
const pixels = { width: imageSize, height: imageSize, data: new Uint8Array(3 * imageSize ** 2) };
pixels.data.forEach((_, i) => {
  pixels.data[i] = 128 + 127 * Math.sin(i / 700);
});
const features = await encoder.encode(pixels);
const frame = await networks.onnx.frame(features);
const mask = randomValues(imageSize ** 2, 7, 10);

console.log(
  `${values.size}, ${threads} threads, ${runs} runs, ${binding.instructionSet()}; ms, in brackets processor time`,
);
console.log("| stage | ONNX Runtime | native | |\n|---|---|---|---|");
row("image encoder", null, await median(() => encoder.encode(pixels)));
for (const frames of values.frames.split(",").map(Number)) {
  const tokens = frames > 1 ? 64 : 4;
  const feed = {
    memory: randomValues(frames * (imageSize / 16) ** 2 * memoryWidth, 2, 2),
    times: randomValues(frames * memoryWidth, 3),
    pointers: randomValues(tokens * memoryWidth, 4),
    pointerTimes: randomValues(tokens * memoryWidth, 5),
  };
  const attend = (kind) => median(() => networks[kind].attend(frame, feed));
  const own = await attend("native");
  row(`memory attention, ${frames} memories and ${tokens} pointer tokens`, await attend("onnx"), own);
}
const prompt = {
  coords: new Float32Array(4),
  labels: Int32Array.of(-1, -1),
  granularity: null,
  maskLogits: null,
};
const decode = async (kind) => {
  const own = await networks[kind].frame(features);
  return median(() => networks[kind].decode(own, own.plain, prompt));
};
const decoded = await decode("native");
row("decoder", await decode("onnx"), decoded);
const remember = (kind) => median(() => networks[kind].remember(frame, mask, false));
const own = await remember("native");
row("memory encoder", await remember("onnx"), own);
for (const part of [encoder, networks.native, networks.onnx]) await part.release();
