// A worker that decodes on all sides at once until it is stopped. workerData: { addon }
import { parentPort, workerData } from "node:worker_threads";
import { openAddon } from "#native/open-addon.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";

const decoder = await openAddon(workerData.addon).createDecoder(syntheticWeights(), { precision: "float32" });
const prompts = Array.from({ length: 16 }, (_, i) => ({
  coords: Float32Array.of(10 * i, 30, 0, 0),
  labels: Int32Array.of(1, -1),
  granularity: i / 16,
  maskLogits: null,
}));
let said = false;
for (;;) {
  const image = await decoder.prepare(syntheticFeatures(8), { threads: 2 });
  const calls = [1, 2, 3].map(() => decoder.decode(image, prompts, { threads: 2, multimask: false }));
  if (!said) parentPort.postMessage("decoding");
  said = true;
  await Promise.all(calls);
}
