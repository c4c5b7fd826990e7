// Starts eight workers that run SCRIPT, terminates them in the middle, ROUNDS times over; then decodes in this thread,
// which had not loaded the addon before, and exits by itself. node kill-workers.mjs ADDON ROUNDS SCRIPT
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { openAddon } from "#native/open-addon.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";
import { click } from "./click.mjs";

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
const [masks] = await decoder.decode(image, [click], { threads: 2, multimask: false });
console.log(masks.lowRes.every(Number.isFinite) ? "healthy" : "sick");
