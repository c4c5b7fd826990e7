// Starts eight workers that run SCRIPT, terminates them in the middle, ROUNDS times over; then decodes in this thread,
// which had not loaded the addon before, and exits by itself. node kill-workers.mjs ADDON ROUNDS SCRIPT
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { openAddon } from "#native/open-addon.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";

const [addon, rounds, script] = process.argv.slice(2);
for (let round = 0; round < rounds; round++) {
  const workers = Array.from({ length: 8 }, () => {
    return new Worker(new URL(script, import.meta.url), { workerData: { addon } });
  });
  await Promise.all(
    workers.map(async (worker, i) => {
      await once(worker, "message");
      await new Promise((resolve) => setTimeout(resolve, 7 * i));
      await worker.terminate();
    }),
  );
}
const decoder = await openAddon(addon).createDecoder(syntheticWeights(), { precision: "float32" });
const image = await decoder.prepare(syntheticFeatures(8), { threads: 2 });
const prompt = {
  coords: Float32Array.of(20, 30, 0, 0),
  labels: Int32Array.of(1, -1),
  granularity: 0.5,
  maskLogits: null,
};
const [masks] = await decoder.decode(image, [prompt], { threads: 2, multimask: false });
console.log(masks.lowRes.every(Number.isFinite) ? "healthy" : "sick");
