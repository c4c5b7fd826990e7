// Growing the tree of the model nano, from what its network saw: TypeScript beside the addon, in turns. By processor time too,
// which is what counts where other work shares the machine. `npm run bench:tree`
import { fileURLToPath } from "node:url";
import { decodeImage } from "@unsam/core/image";
import { operationsOf } from "@unsam/core/operations";
import { loadNative } from "@unsam/native-cuda";
import { takeTurns } from "./turns.mjs";

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

const { binding, reason } = await loadNative({ cacheDir: null });
if (!binding) throw new Error(reason);
const backends = {
  TypeScript: operationsOf(null),
  "addon, 1 thread": operationsOf(binding, 1),
  "addon, 2 threads": operationsOf(binding, 2),
};
const calls = Object.values(backends).map(
  ({ buildRegionHierarchy }) =>
    () =>
      buildRegionHierarchy(image, learned),
);
const times = await takeTurns(calls, TURNS, 1);
console.log(`${width} x ${height} pixels, medians of ${TURNS} turns; in brackets processor time`);
for (const [k, name] of Object.keys(backends).entries()) {
  const { wall, processor } = times[k];
  const [w, p] = [times[0].wall / wall, times[0].processor / processor];
  console.log(
    `${name}: ${wall.toFixed(0)} (${processor.toFixed(0)}) ms, ${w.toFixed(1)} (${p.toFixed(1)}) x TypeScript`,
  );
}
