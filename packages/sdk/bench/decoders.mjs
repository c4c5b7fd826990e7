// The mask decoders side by side: same weights, same image, same prompts, same threads, one run. `npm run bench:decoders`.
// node decoders.mjs [--size small] [--threads 2] [--runs 7] [--counts 1,8,64] [--model FILE [--config FILE]]
// In turns (turns.mjs) of five calls, or of one for batches.
import { cpus } from "node:os";
import { benchOptions } from "./bench-options.mjs";
import { benchModel, contenders, randomFeatures } from "./contenders.mjs";
import { matrixProduct, PRODUCT_SIDE } from "./matrix-product.mjs";
import { takeTurns } from "./turns.mjs";

const values = benchOptions({ runs: "7", counts: "1,8,64" });
const threads = Number(values.threads);
const runs = Number(values.runs);
const counts = values.counts.split(",").map(Number);
/**
 * Operations of one prompt of ten tokens (multiply + add = 2), in millions: as the official graph does them (the spec's
 * count at 4096 image tokens) and as the native decoder does (docs/decisions/0009), split into what grows with the image.
 */
function megaflops(imageTokens) {
  const share = imageTokens / 4096;
  return { official: 76 + 3601 * share, reduced: 55 + 1090 * share };
}

/** One click and its padding point at a granularity: ten tokens. */
function clicks(count, side) {
  return Array.from({ length: count }, (_, i) => ({
    coords: Float32Array.of((i * 97.3) % side, (i * 61.7) % side, 0, 0),
    labels: Int32Array.of(1, -1),
    granularity: 0.1 + (i % 10) / 10,
    maskLogits: null,
  }));
}

/** Relative L2 distance of the logits to the first contender's. */
async function distances(list, side) {
  const prompts = clicks(4, side);
  const logits = [];
  for (const { decode } of list) {
    const masks = await decode(prompts);
    logits.push(masks.flatMap(({ lowRes }) => [...lowRes]));
  }
  const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return logits.map((values) => norm(values.map((value, i) => value - logits[0][i])) / norm(logits[0]));
}

const model = await benchModel(values);
const { imageSize } = model.config;
const flops = megaflops((imageSize / 16) ** 2);
console.log(`${cpus()[0].model.trim()}, ${threads} threads, Node ${process.version}`);
console.log(
  `${values.model ?? `UnSAMv2 ${values.size}, random weights`}: ${imageSize / 16} × ${imageSize / 16} image tokens; ` +
    `${flops.official.toFixed(0)} MFLOP a prompt in the official graph, ${flops.reduced.toFixed(0)} reduced`,
);
const list = await contenders(model, randomFeatures(model.config), { threads, plain: true });
const apart = await distances(list, imageSize);
list.forEach(({ title }, i) => {
  if (i > 0)
    console.log(
      `${title}: logits differ from the plain export by ${apart[i].toExponential(1)} (relative L2)`,
    );
});
const product = await matrixProduct(threads);

console.log(
  `\n× plain: how many times faster than the plain export; × time: of the official graph's operations at the
matrix-product rate; share: of that rate, counted in reduced operations. In brackets by processor time.\n`,
);
console.log("| prompts | decoder | ms a prompt | × plain | × time | share |");
console.log("|---|---|---|---|---|---|");
for (const count of counts) {
  const prompts = clicks(count, imageSize);
  const calls = [product, ...list.map((contender) => () => contender.decode(prompts))];
  const [matrix, ...times] = await takeTurns(calls, runs, count < 8 ? 5 : 1);
  const rate = (2 * PRODUCT_SIDE ** 3) / matrix.wall / 1e6;
  console.log(`| ${count} | float32 matrix product ${PRODUCT_SIDE}³: ${rate.toFixed(0)} GFLOP/s | | | | |`);
  times.forEach(({ wall, processor }, i) => {
    const both = (of, digits, unit) =>
      `${of("wall").toFixed(digits)} (${of("processor").toFixed(digits)})${unit}`;
    const ideal = (kind, operations) => (matrix[kind] * operations * 1e6) / (2 * PRODUCT_SIDE ** 3);
    const each = { wall: wall / count, processor: processor / count };
    const ratio = both((kind) => times[0][kind] / times[i][kind], 2, " ×");
    const time = both((kind) => each[kind] / ideal(kind, flops.official), 2, "");
    const share = i < 2 ? "" : both((kind) => (100 * ideal(kind, flops.reduced)) / each[kind], 0, " %");
    const row = [count, list[i].title, both((kind) => each[kind], 2, ""), ratio, time, share];
    console.log(`| ${row.join(" | ")} |`);
  });
}
process.exit();
