// One prompt of many points on each mask decoder: same weights, same image, same threads, in turns. `npm run bench:points`.
// node many-points.mjs [--size small] [--threads 2] [--runs 5] [--points 1,10,600] [--model FILE [--config FILE]]
import { cpus } from "node:os";
import { benchOptions } from "./bench-options.mjs";
import { benchModel, contenders, randomFeatures } from "./contenders.mjs";
import { takeTurns } from "./turns.mjs";

const values = benchOptions({
  runs: "5",
  points: "1,5,6,7,8,10,20,50,100,200,500,1000,2000,5000",
});
const threads = Number(values.threads);

/** Clicks all over the frame, and the padding point. */
function prompt(points, side) {
  const coords = new Float32Array(2 * points + 2);
  const labels = new Int32Array(points + 1).fill(-1);
  for (let i = 0; i < points; i++) {
    coords.set([(i * 97.3) % side, (i * 61.7) % side], 2 * i);
    labels[i] = i % 3 === 2 ? 0 : 1;
  }
  return { coords, labels, granularity: 0.5, maskLogits: null };
}

const model = await benchModel(values);
const { imageSize } = model.config;
console.log(`${cpus()[0].model.trim()}, ${threads} threads, Node ${process.version}`);
console.log(
  `${values.model ?? `UnSAMv2 ${values.size}, random weights`}: ${(imageSize / 16) ** 2} image tokens`,
);
const list = await contenders(model, randomFeatures(model.config), { threads });
console.log("\nMilliseconds by wall clock, in brackets by processor time.\n");
console.log(`| points | ${list.map(({ title }) => title).join(" | ")} | ONNX / native |`);
console.log(`|---|${list.map(() => "---|").join("")}---|`);
for (const points of values.points.split(",").map(Number)) {
  const prompts = [prompt(points, imageSize)];
  const calls = list.map((contender) => () => contender.decode(prompts));
  const times = await takeTurns(calls, Number(values.runs), points < 50 ? 3 : 1);
  const cells = times.map(({ wall, processor }) => `${wall.toFixed(1)} (${processor.toFixed(1)})`);
  const ratio = times.slice(1).map((native) => {
    const [wall, processor] = [times[0].wall / native.wall, times[0].processor / native.processor];
    return `${wall.toFixed(2)} (${processor.toFixed(2)})`;
  });
  console.log(`| ${[points, ...cells, ratio.join(", ")].join(" | ")} |`);
}
process.exit();
