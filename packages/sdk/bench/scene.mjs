// Time to fuse masks given as logits into a scene. Build first, then: node bench/scene.mjs [masks] [runs].
// UNSAM_NATIVE=off times the TypeScript versions. Discs of all sizes at 256 × 256, as in native/bench. Medians.
import { SceneHierarchy } from "@unsam/sdk";

const count = Number(process.argv[2] ?? 3000);
const runs = Number(process.argv[3] ?? 5);
const SIDE = 256;

let state = 1;
const next = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) / 2 ** 24;
};
// The discs of core/bench/fusion.mjs, without its noise.
const data = new Float32Array(new SharedArrayBuffer(4 * count * SIDE * SIDE));
const scores = new Float64Array(count);
const granularities = new Float64Array(count);
for (let k = 0, i = 0; k < count; k++) {
  const radius = 6 * 16 ** next();
  const [x0, y0] = [SIDE * next(), SIDE * next()];
  scores[k] = 0.8 + 0.2 * next();
  granularities[k] = Math.min(1, radius / 96);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++, i++) {
      const distance = (radius - Math.sqrt((x - x0) ** 2 + (y - y0) ** 2)) / 2;
      data[i] = Math.min(12, Math.max(-12, distance));
    }
  }
}
const maps = { count, width: SIDE, height: SIDE, data };
const times = [];
let scene;
for (let run = 0; run <= runs; run++) {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  scene = await SceneHierarchy.fromLogits(maps, { scores, granularities });
  const used = process.cpuUsage(cpu);
  // The first run starts the thread and loads the addon.
  if (run > 0) times.push({ wall: performance.now() - wall, cpu: (used.user + used.system) / 1000 });
}
const median = (key) => Math.round(times.map((t) => t[key]).sort((a, b) => a - b)[runs >> 1]);
console.log(
  `${count} masks of ${SIDE} × ${SIDE} → a scene of ${scene.masks.length}: ${median("wall")} ms, ${median("cpu")} ms of CPU`,
);
