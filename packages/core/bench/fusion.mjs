// The TypeScript versions on the scenes of native/bench/fusion_bench.cpp, and, where an addon is built, its functions in
// the same run. Build first, then: node bench/fusion.mjs [masks] [runs] [threads]. Medians, wall and CPU time;
// TypeScript runs on one thread. The addon's times hold all a caller waits for; how long the event loop stands still,
// because arguments are copied, is told apart. Logits lie in a SharedArrayBuffer, which is not copied.
import { availableParallelism } from "node:os";
import { loadNative } from "@unsam/native-cuda";
import { finestLabels, selectMasks, selectOverlaps } from "../dist/fusion/index.js";
import { maskStatistics } from "../dist/fusion/mask-statistics.js";
import { pairwiseOverlaps } from "../dist/fusion/pairwise.js";
import { finishMask, Mask } from "../dist/mask/index.js";
import { operationsOf } from "../dist/operations/index.js";
import { mergePatches } from "../dist/patch-merge/index.js";
import { boundaryStrength } from "../dist/region-tree/boundary-strength.js";
import { channelsOf } from "../dist/region-tree/channels.js";
import { labPlanes } from "../dist/region-tree/lab.js";
import { mergeFeatures, mergeRegions } from "../dist/region-tree/merging.js";
import { regionFeatures, regionGraph } from "../dist/region-tree/region-graph.js";
import { affinityGraph, normalisedCut } from "../dist/region-tree/spectral-cue.js";
import { superpixels } from "../dist/region-tree/superpixels.js";

const count = Number(process.argv[2] ?? 1000);
const runs = Number(process.argv[3] ?? 3);
const SIDE = 256;
const IMAGE = 1024;

let state = 1;
const step = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state;
};
const next = () => (step() >>> 8) / 16777216;

function drawScene() {
  const data = new Float32Array(new SharedArrayBuffer(4 * count * SIDE * SIDE));
  const scores = new Float64Array(count);
  const granularities = new Float64Array(count);
  for (let k = 0, i = 0; k < count; k++) {
    const radius = 6 * 16 ** next();
    const x0 = SIDE * next();
    const y0 = SIDE * next();
    scores[k] = 0.8 + 0.2 * next();
    granularities[k] = Math.min(1, radius / 96);
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++, i++) {
        const distance = (radius - Math.sqrt((x - x0) ** 2 + (y - y0) ** 2)) / 2;
        data[i] = Math.min(12, Math.max(-12, distance)) + next() - 0.5;
      }
    }
  }
  return { maps: { count, height: SIDE, width: SIDE, data }, scores, granularities };
}

/** `native` returns a promise; what it does before that is the copy of its arguments. */
async function time(what, share, run, native) {
  await measure(what, share, run);
  if (binding && native) await measure("  in the addon", 1, native);
}

async function measure(what, share, run) {
  await run();
  const times = [];
  for (let i = 0; i < runs; i++) {
    const wall = performance.now();
    const cpu = process.cpuUsage();
    const result = run();
    const held = performance.now() - wall;
    await result;
    const used = process.cpuUsage(cpu);
    times.push({
      wall: performance.now() - wall,
      cpu: (used.user + used.system) / 1000,
      held: result instanceof Promise ? held : 0,
    });
  }
  const median = (key) => times.map((t) => t[key]).sort((a, b) => a - b)[times.length >> 1] * share;
  const held = median("held") > 0 ? `, ${median("held").toFixed(1)} ms of it copying` : "";
  console.log(
    `  ${what.padEnd(52)} ${median("wall").toFixed(1).padStart(9)} ms, ${median("cpu").toFixed(1).padStart(9)} ms of CPU${held}`,
  );
}

const { binding, reason } = await loadNative({ cacheDir: null });
const work = { threads: Number(process.argv[4] ?? availableParallelism()) };
const thresholds = { threshold: 0, stabilityOffset: 1 };
console.log(
  binding
    ? `addon: ${binding.instructionSet()}, ${work.threads} threads`
    : `no addon to compare with: ${reason}`,
);
const { maps, scores, granularities } = drawScene();
const statistics = maskStatistics(maps);
console.log(`${count} masks of ${SIDE}×${SIDE}, TypeScript, one thread, median of ${runs} runs`);
await time(
  "statistics and packing",
  1,
  () => maskStatistics(maps),
  () => binding.operations.maskStatistics(maps, { ...thresholds, ...work }),
);
await time(
  "pairwise overlaps",
  1,
  () => pairwiseOverlaps(statistics.masks, statistics.boxes),
  () => binding.operations.pairwiseOverlaps(statistics.masks, statistics.boxes, work),
);
/** From logits to the fused map, with the operations of one backend. */
async function fuse(operations) {
  const { masks, boxes, areas } = await operations.maskStatistics(maps);
  const overlaps = await operations.pairwiseOverlaps(masks, boxes);
  const kept = await operations.removeDuplicates(areas, scores, overlaps, 0.9);
  const pick = (values, Kind) => Kind.from(kept, (k) => values[k]);
  const forest = await operations.buildForest(
    pick(areas, Uint32Array),
    pick(scores, Float64Array),
    pick(granularities, Float64Array),
    selectOverlaps(overlaps, kept),
    0.8,
  );
  const finest = finestLabels(selectMasks(masks, kept), forest);
  return operations.fuseLabels(finest, forest, SIDE, SIDE);
}
await time(
  "all of it, with the fused map",
  1,
  () => fuse(operationsOf(null)),
  () => fuse(operationsOf(binding, work.threads)),
);
const some = Math.min(count, 50);
await time(
  `to ${IMAGE}×${IMAGE} with RLE (TypeScript: scaled up from ${some})`,
  count / some,
  () => {
    for (let k = 0; k < some; k++) {
      const map = maps.data.subarray(k * SIDE * SIDE, (k + 1) * SIDE * SIDE);
      const { words } = finishMask(map, SIDE, SIDE, IMAGE, IMAGE);
      const mask = new Mask(IMAGE, IMAGE, words);
      mask.bbox;
      mask.toRLE();
    }
  },
  () =>
    binding.operations.finishMasks(
      maps,
      { width: IMAGE, height: IMAGE },
      { ...thresholds, ...work, keepWords: true, runLengths: true },
    ),
);

const PATCHES = 48;
const FEATURES = 768;
state = 1;
const features = Float32Array.from({ length: PATCHES * PATCHES * FEATURES }, (_, i) => {
  const patch = Math.floor(i / FEATURES);
  const kind = Math.floor(patch / PATCHES / 6) * 8 + Math.floor((patch % PATCHES) / 6);
  return Math.sin((kind + 1) * ((i % FEATURES) + 1) * 0.37) + (step() >>> 8) / 8388608 - 1;
});
const patches = { height: PATCHES, width: PATCHES, channels: FEATURES, data: features };
await time(
  `merging ${PATCHES}×${PATCHES} patches of ${FEATURES} features`,
  1,
  () => mergePatches(patches),
  () => binding.operations.mergePatches(patches, work),
);

const [width, height] = [480, 320];
const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const pixel = Math.floor(i / 3);
  const block = Math.floor(pixel / width / 12) * 40 + Math.floor((pixel % width) / 12);
  return ((block * 97 + (i % 3) * 53) % 200) + (step() >>> 27);
});
await time(
  `region tree of ${width}×${height} pixels`,
  1,
  () => {
    const lab = labPlanes({ data, width, height });
    const channels = channelsOf(lab, width, height);
    const boundary = boundaryStrength(lab, channels, width, height);
    const regions = superpixels(boundary.relief, width, height);
    const graph = regionGraph(regions, boundary.strength, width, height);
    const means = regionFeatures(regions, channels, lab);
    mergeRegions(graph, mergeFeatures(means, normalisedCut(affinityGraph(graph, means))));
  },
  () => binding.operations.buildRegionHierarchy({ width, height, data }, work),
);
