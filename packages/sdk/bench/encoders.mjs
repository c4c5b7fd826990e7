// The image encoders side by side: same weights, same photo, same threads, one run. `npm run bench:encoder`.
// node encoders.mjs [--size small] [--threads 2] [--runs 5] [--model FILE [--config FILE]]
// Contenders take turns; medians. A turn is one call that is not counted and one that is; the matrix products before it
// say what the machine was able to at that time.
import { readFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint } from "@unsam/core/checkpoint";
import { buildEncoder, hasBfloat16, loadNativeEncoder } from "@unsam/core/encoder";
import { resolveModel } from "@unsam/core/models";
import { openSession } from "@unsam/core/runtime";
import { loadNative } from "@unsam/native-cuda";
// Not among the package's exports, because loading it loads ONNX Runtime.
import { OnnxEncoderKernel } from "../../core/dist/encoder/onnx-encoder-kernel.js";
import { benchOptions } from "./bench-options.mjs";
import { matrixProduct, PRODUCT_SIDE } from "./matrix-product.mjs";
import { randomCheckpoint } from "./random-checkpoint.mjs";
import { takeTurns } from "./turns.mjs";

const values = benchOptions({ runs: "5" });
const threads = Number(values.threads);
const runs = Number(values.runs);

/** Multiplications and additions of an encode's matrix products, padding of windows not counted. */
function operations({ imageSize, embedDim, patchKernel, blocks }) {
  let side = imageSize / 4;
  let before = embedDim;
  let total = 2 * side ** 2 * 3 * patchKernel[0] * patchKernel[1] * embedDim;
  for (const { width, hidden, window, pools } of blocks) {
    const keys = window === 0 ? side ** 2 : Math.min(side, window) ** 2;
    const [into, out] = [side ** 2, pools ? (side / 2) ** 2 : side ** 2];
    total +=
      2 * into * before * 3 * width +
      4 * out * keys * width +
      2 * out * width ** 2 +
      4 * out * width * hidden;
    if (width !== before) total += 2 * into * before * width;
    if (pools) side /= 2;
    before = width;
  }
  return total;
}

async function contenders(model, checkpoint, pixels) {
  const files = await buildEncoder(model, await checkpoint.fingerprint(), path.join(folder, "cache"));
  const onnx = await OnnxEncoderKernel.open(files.modelPath, model.config.imageSize, (file) =>
    openSession(file, { threads, providers: ["cpu"], keepMemory: false }),
  );
  const list = [{ title: "ONNX Runtime", encode: () => onnx.encode(pixels) }];
  const { binding, reason } = await loadNative({ cacheDir: null });
  if (!binding) {
    console.log(`No native encoder: ${reason}`);
    return list;
  }
  for (const precision of hasBfloat16(binding) ? ["float32", "bfloat16"] : ["float32"]) {
    const encoder = await loadNativeEncoder(binding, model.encoderSource, precision);
    const encode = async () => {
      const { imageEmbed, highRes0, highRes1 } = await encoder.encode({ pixels }, { threads });
      return {
        image_embed: { data: imageEmbed },
        high_res_0: { data: highRes0 },
        high_res_1: { data: highRes1 },
      };
    };
    list.push({ title: `native ${precision}, ${binding.instructionSet()}`, encode });
  }
  return list;
}

function apart(found, expected) {
  let [difference, size] = [0, 0];
  for (const [name, { data }] of Object.entries(expected)) {
    data.forEach((value, i) => {
      difference += (found[name].data[i] - value) ** 2;
      size += value ** 2;
    });
  }
  return Math.sqrt(difference / size);
}

const folder = path.join(tmpdir(), "unsam-bench");
const file = values.model ?? (await randomCheckpoint(folder, values.size, { granularity: true }));
const checkpoint = await openCheckpoint(file);
const config = values.config ? JSON.parse(await readFile(values.config, "utf8")) : undefined;
const model = resolveModel(checkpoint, config);
const { imageSize } = model.config;
const pixels = Float32Array.from({ length: 3 * imageSize ** 2 }, (_, i) => 1.5 * Math.sin(i * 12.9898));
const list = await contenders(model, checkpoint, pixels);
const flops = operations(model.encoderSource.plan);
console.log(`${cpus()[0].model.trim()}, ${threads} threads, Node ${process.version}`);
console.log(
  `${values.model ?? `UnSAMv2 ${values.size}, random weights`}, ${imageSize} × ${imageSize}: ` +
    `${(flops / 1e9).toFixed(0)} GFLOP in matrix products`,
);
const expected = await list[0].encode();
for (const { title, encode } of list.slice(1)) {
  console.log(
    `${title}: features differ from ONNX Runtime's by ${apart(await encode(), expected).toExponential(1)}`,
  );
}

const calls = [await matrixProduct(threads), ...list.map(({ encode }) => encode)];
const [matrix, ...times] = await takeTurns(calls, runs, 1);
const rate = (kind) => (2 * PRODUCT_SIDE ** 3) / matrix[kind] / 1e6;
console.log(
  `\nFloat32 matrix product ${PRODUCT_SIDE}³: ${rate("wall").toFixed(0)} GFLOP/s (${rate("processor").toFixed(0)} a processor second).
× ONNX: how many times faster; share: of the matrix-product rate. In brackets by processor time.\n`,
);
console.log("| encoder | ms | × ONNX | GFLOP/s | share |");
console.log("|---|---|---|---|---|");
list.forEach(({ title }, i) => {
  const both = (of, digits, unit = "") =>
    `${of("wall").toFixed(digits)} (${of("processor").toFixed(digits)})${unit}`;
  const achieved = (kind) => flops / times[i][kind] / 1e6;
  const row = [
    title,
    both((kind) => times[i][kind], 0),
    both((kind) => times[0][kind] / times[i][kind], 2, " ×"),
    both(achieved, 0),
    both((kind) => (100 * achieved(kind)) / rate(kind), 0, " %"),
  ];
  console.log(`| ${row.join(" | ")} |`);
});
process.exit();
