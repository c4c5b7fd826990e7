// The nano model's network side by side: same weights, same photo, same threads, one run. `npm run bench:nano`.
// node nano.mjs [--photo FILE] [--threads 2] [--runs 9]
// From the working image's Lab pixels to border and metric. Contenders take turns; medians.
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openCheckpoint } from "@unsam/core/checkpoint";
import { decodeImage } from "@unsam/core/image";
import { nanoInput } from "@unsam/core/models";
import { labPlanes, workingImage } from "@unsam/core/region-tree";
import { NANO_WEIGHTS } from "@unsam/model-nano";
import { loadNative } from "@unsam/native-cuda";
// Not among the package's exports.
import { openNativeNetwork } from "../../core/dist/families/nano/native-network.js";
import { OnnxNetwork } from "../../core/dist/families/nano/onnx-network.js";
import { takeTurns } from "./turns.mjs";

const example = fileURLToPath(new URL("../../../docs/images/fruit-board.jpg", import.meta.url));
const { values } = parseArgs({
  options: {
    photo: { type: "string", default: example },
    threads: { type: "string", default: `${availableParallelism()}` },
    runs: { type: "string", default: "9" },
  },
});
const threads = Number(values.threads);

async function readWeights() {
  const checkpoint = await openCheckpoint(NANO_WEIGHTS);
  const weights = new Map();
  for (const name of checkpoint.tensors.keys()) weights.set(name, await checkpoint.read(name));
  await checkpoint.close();
  return weights;
}

/** Multiplications and additions of all convolutions: each weight is used once for each cell of its layer's result. */
function operations(weights, { width, height }) {
  let total = 0;
  for (const [name, { data, shape }] of weights) {
    const [layer, k] = name.split(".");
    const level = {
      stages: Number(k) + 1,
      lateral: Number(k),
      smooth: Number(k),
      reduce: Number(k) + 1,
      top: 4,
    };
    if (shape.length === 4) total += (2 * data.length * width * height) / 4 ** ((level[layer] ?? 0) + 1);
  }
  return total;
}

function apart(found, expected) {
  let [difference, size] = [0, 0];
  for (const plane of ["border", "height", "metric"]) {
    expected[plane].forEach((value, i) => {
      difference += (found[plane][i] - value) ** 2;
      size += value ** 2;
    });
  }
  return Math.sqrt(difference / size);
}

const weights = await readWeights();
const photo = await decodeImage(values.photo);
const working = workingImage(photo);
const input = nanoInput(labPlanes(working), working.width, working.height);
const onnx = new OnnxNetwork(weights, threads);
const list = [{ title: "ONNX Runtime", look: () => onnx.look(input) }];
const { binding, reason } = await loadNative({ cacheDir: null });
if (binding) {
  const native = await openNativeNetwork(binding, weights, threads);
  list.push({ title: `native, ${binding.instructionSet()}`, look: () => native.look(input) });
} else {
  console.log(`No native network: ${reason}`);
}
const flops = operations(weights, input);
console.log(`${cpus()[0].model.trim()}, ${threads} threads, Node ${process.version}`);
console.log(`${input.width} × ${input.height}: ${(flops / 1e9).toFixed(1)} GFLOP in convolutions`);
const expected = await list[0].look();
for (const { title, look } of list.slice(1)) {
  console.log(
    `${title}: cues differ from ONNX Runtime's by ${apart(await look(), expected).toExponential(1)}`,
  );
}
const times = await takeTurns(
  list.map(({ look }) => look),
  Number(values.runs),
  1,
);
console.log("\nIn brackets by processor time.\n\n| network | ms | × ONNX | GFLOP/s |\n|---|---|---|---|");
list.forEach(({ title }, i) => {
  const both = (of, digits, unit = "") =>
    `${of("wall").toFixed(digits)} (${of("processor").toFixed(digits)})${unit}`;
  const row = [
    title,
    both((kind) => times[i][kind], 0),
    both((kind) => times[0][kind] / times[i][kind], 2, " ×"),
    both((kind) => flops / times[i][kind] / 1e6, 0),
  ];
  console.log(`| ${row.join(" | ")} |`);
});
process.exit();
