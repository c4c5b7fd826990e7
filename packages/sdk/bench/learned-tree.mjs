// Growing the tree of the model nano, from what its network saw: TypeScript beside the addon, in turns. By processor time too,
// which is what counts where other work shares the machine. `npm run bench:tree`
import { fileURLToPath } from "node:url";
import { loadAddon } from "../dist/engine/index.js";
import { decodeImage } from "../dist/image/index.js";
import { operationsOf } from "../dist/operations/index.js";

const TURNS = 7;
const photo = fileURLToPath(new URL("../../../docs/images/fruit-board.jpg", import.meta.url));
const image = await decodeImage(photo);
const { width, height } = image;

/** In place of what a network saw, which takes no other time. */
const columns = Math.ceil(width / 2);
const rows = Math.ceil(height / 2);
const dimensions = 8;
const plane = (count) =>
  Float32Array.from({ length: count }, (_, i) => (((i * 2654435761) % 1000) / 1000) * 0.3);
const learned = {
  ...{ columns, rows, dimensions, border: plane(rows * columns), height: plane(rows * columns) },
  metric: plane(dimensions * rows * columns),
};

const { binding, reason } = await loadAddon(null);
if (!binding) throw new Error(reason);
const backends = {
  TypeScript: operationsOf(null),
  "addon, 1 thread": operationsOf(binding, 1),
  "addon, 2 threads": operationsOf(binding, 2),
};
const times = Object.fromEntries(Object.keys(backends).map((name) => [name, []]));
for (let turn = 0; turn < TURNS; turn++) {
  for (const [name, { buildRegionHierarchy }] of Object.entries(backends)) {
    const before = process.cpuUsage();
    const start = performance.now();
    await buildRegionHierarchy(image, learned);
    const { user, system } = process.cpuUsage(before);
    times[name].push([performance.now() - start, (user + system) / 1000]);
  }
}
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const [wall, cpu] = [0, 1].map((k) => median(times.TypeScript.map((time) => time[k])));
console.log(`${width} x ${height} pixels, medians of ${TURNS} turns; in brackets processor time`);
for (const [name, measured] of Object.entries(times)) {
  const [w, c] = [0, 1].map((k) => median(measured.map((time) => time[k])));
  console.log(
    `${name}: ${w.toFixed(0)} (${c.toFixed(0)}) ms, ${(wall / w).toFixed(1)} (${(cpu / c).toFixed(1)}) x TypeScript`,
  );
}
