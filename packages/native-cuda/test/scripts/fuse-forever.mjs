// A worker that fuses masks, whose logits lie in shared memory only it knows, until it is terminated.
import { parentPort, workerData } from "node:worker_threads";
import { openAddon } from "#native/open-addon.js";

const { finishMasks, maskStatistics } = openAddon(workerData.addon).operations;
const count = 64;
const data = new Float32Array(new SharedArrayBuffer(count * 256 * 256 * 4));
for (let i = 0; i < data.length; i++) data[i] = 2 * Math.sin(i / 999);
const maps = { count, height: 256, width: 256, data };
const options = { threshold: 0, stabilityOffset: 1, threads: 2 };
parentPort.postMessage("started");
for (;;) {
  const statistics = maskStatistics(maps, options);
  const size = { width: 1024, height: 1024 };
  const finished = finishMasks(maps, size, { ...options, keepWords: true, runLengths: true });
  await Promise.all([statistics, finished]);
}
