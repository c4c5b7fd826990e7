// Times an encode, then ends the process in the midst of another one, cancelling it, and prints both times: of the whole
// encode, and from the exit on. node exit-while-encoding.mjs ADDON main|worker
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { openAddon } from "#native/open-addon.js";
import { loadMatrices, SYNTHETIC_ENCODER, syntheticEncoderWeights } from "#native/synthetic-model.js";

const file = fileURLToPath(import.meta.url);
const [addon, thread, role] = isMainThread ? process.argv.slice(2) : [workerData.addon, "main", "child"];

/** Encodes once to learn how long it takes, and begins again. */
async function encodeTwice(cell, begun) {
  const blocks = SYNTHETIC_ENCODER.blocks.map((block) => ({ ...block, hidden: 1024 }));
  const plan = { ...SYNTHETIC_ENCODER, imageSize: 1024, blocks };
  const { vectors, matrix } = syntheticEncoderWeights(plan);
  const encoder = await openAddon(addon).createImageEncoder(plan, vectors, { precision: "float32" });
  await loadMatrices(encoder, matrix);
  const photo = { width: 4, height: 4, data: new Uint8Array(48).fill(7) };
  const started = performance.now();
  await encoder.encode(photo, { threads: 1 });
  const took = performance.now() - started;
  encoder.encode(photo, { threads: 1, cancel: { cell, value: 1 } });
  setTimeout(() => begun(took), took / 4);
}

if (role === "child") {
  const cell = isMainThread ? new Int32Array(new SharedArrayBuffer(4)) : workerData.cell;
  const leave = (took) => process.send(took, () => process.exit(7));
  if (isMainThread) process.once("exit", () => Atomics.store(cell, 0, 1));
  if (!isMainThread) await encodeTwice(cell, (took) => parentPort.postMessage(took));
  else if (thread === "main") await encodeTwice(cell, leave);
  else new Worker(file, { workerData: { addon, cell } }).on("message", leave);
} else {
  const child = fork(file, [addon, thread, "child"]);
  const took = await new Promise((resolve) => child.once("message", resolve));
  const asked = performance.now();
  child.once("exit", (code) => {
    console.log(took, performance.now() - asked);
    process.exitCode = code;
  });
}
