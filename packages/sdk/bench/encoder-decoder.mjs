// `npm run bench`: medians of encoding a photo and of answering prompts, and their share of the total.
// node encoder-decoder.mjs [--model FILE [--config FILE]] [--size tiny|small|base-plus|large] [--runs N] [--threads N]
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { UnSAM } from "@unsam/sdk";
import { randomCheckpoint } from "./random-checkpoint.mjs";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    config: { type: "string" },
    size: { type: "string", default: "small" },
    runs: { type: "string", default: "5" },
    threads: { type: "string" },
  },
});
const photo = fileURLToPath(new URL("../../../docs/images/juice.jpg", import.meta.url));
const runs = Number(values.runs);

/** Median of several timed calls after one warm-up, in milliseconds. */
async function median(call) {
  await call();
  const times = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await call();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[runs >> 1];
}

async function measure(title, options, granularity) {
  const started = performance.now();
  const unsam = await UnSAM.load(options);
  const load = performance.now() - started;
  const encode = await median(async () => (await unsam.encode(photo)).dispose());
  const image = await unsam.encode(photo);
  const click = (i) => ({ points: [[30 + ((i * 97) % 450), 30 + ((i * 61) % 280)]], ...granularity(i) });
  const decode = async (count) =>
    median(() => image.segmentAll(Array.from({ length: count }, (_, i) => click(i))));
  const [one, ladder, many] = [await decode(1), await decode(8), await decode(64)];
  const total = encode + one;
  const share = (part) => `${((100 * part) / total).toFixed(1)} %`;
  console.log(`
${title} (decoder: ${unsam.model.decoder}, loaded in ${load.toFixed(0)} ms)
                      median        share of one photo and one click
  encoder        ${encode.toFixed(1).padStart(9)} ms   ${share(encode)}
  1 prompt       ${one.toFixed(1).padStart(9)} ms   ${share(one)}
  8 prompts      ${ladder.toFixed(1).padStart(9)} ms   ${(ladder / 8).toFixed(1)} ms a prompt
  64 prompts     ${many.toFixed(1).padStart(9)} ms   ${(many / 64).toFixed(1)} ms a prompt`);
  await unsam.dispose();
}

const threads = values.threads ? { threads: Number(values.threads) } : {};
const granularities = (i) => ({ granularity: 0.1 + (i % 10) / 10 });
await measure("region-tree", { model: "region-tree" }, granularities);
const folder = path.join(tmpdir(), "unsam-bench");
const checkpoint = values.model ?? (await randomCheckpoint(folder, values.size, { granularity: true }));
const model = { checkpoint, ...(values.config ? { config: values.config } : {}) };
const title = values.model ?? `UnSAMv2 ${values.size}, random weights`;
const plain = await UnSAM.load({ model });
const prompts = plain.model.granularity ? granularities : () => ({});
await plain.dispose();
await measure(title, { model, ...threads }, prompts);
