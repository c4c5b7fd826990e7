import { openAddon } from "./open-addon.js";
import { SYNTHETIC_MEMORY, syntheticMemoryFeed, syntheticMemoryWeights } from "./synthetic-memory.js";
import {
  loadMatrices,
  SYNTHETIC_ENCODER,
  syntheticEncoderWeights,
  syntheticFeatures,
  syntheticWeights,
} from "./synthetic-model.js";
import { syntheticNanoWeights } from "./synthetic-nano.js";

// A process of its own that may die: loads the addon named on the command line, encodes an image, decodes a prompt, runs the
// nano model's network, remembers a frame of a video, and finishes masks, which takes every kind of kernel. Exit code 0: it works; else standard error ends
// with one line that says why, if anything can.

async function tryOnce(addon: string): Promise<void> {
  const binding = openAddon(addon);
  const decoder = await binding.createDecoder(syntheticWeights(), { precision: "float32" });
  const image = await decoder.prepare(syntheticFeatures(4), { threads: 2 });
  const prompt = {
    coords: Float32Array.of(20, 30, 0, 0),
    labels: Int32Array.of(1, -1),
    granularity: 0.5,
    maskLogits: new Float32Array(16 * 16).fill(-1),
  };
  const [masks] = await decoder.decode(image, [prompt], { multimask: false, threads: 2 });
  if (masks.lowRes.length !== 256 || !masks.lowRes.every(Number.isFinite)) {
    throw new Error("it decodes a test prompt to something that is no mask");
  }
  const { vectors, matrix } = syntheticEncoderWeights();
  const encoder = await binding.createImageEncoder(SYNTHETIC_ENCODER, vectors, { precision: "float32" });
  await loadMatrices(encoder, matrix);
  const photo = { width: 5, height: 4, data: new Uint8Array(60).map((_, i) => 4 * i) };
  const encoded = await encoder.encode(photo, { threads: 2 });
  if (encoded?.imageEmbed.length !== 256 * 16 || !encoded.imageEmbed.every(Number.isFinite)) {
    throw new Error("it encodes a test image to something that is no map");
  }
  const nano = await binding.createNanoEncoder(syntheticNanoWeights());
  const lab = { width: 32, height: 32, data: Float32Array.from({ length: 4096 }, (_, i) => (i % 9) / 4 - 1) };
  const cues = await nano.encode(lab, { threads: 2 });
  if (cues?.metric.length !== 768 || ![...cues.border, ...cues.metric].every(Number.isFinite)) {
    throw new Error("the nano model's network makes no cues of a test image");
  }
  const memory = await binding.createMemoryNetwork(
    SYNTHETIC_MEMORY,
    syntheticMemoryWeights(SYNTHETIC_MEMORY),
  );
  const frame = new Float32Array(9 * SYNTHETIC_MEMORY.width).fill(0.5);
  const feed = syntheticMemoryFeed(SYNTHETIC_MEMORY, 2, 3);
  const attended = await memory.attend(frame, feed, { threads: 2 });
  const remembered = await memory.remember(frame, new Float32Array(48 * 48).fill(10), true, { threads: 2 });
  if (!attended?.every(Number.isFinite) || !remembered?.every(Number.isFinite)) {
    throw new Error("it remembers a test frame as something that is no number");
  }
  const maps = { count: 2, height: 16, width: 8, data: new Float32Array(256).fill(1) };
  const thresholds = { threshold: 0, stabilityOffset: 0.5, threads: 2 };
  const size = { width: 50, height: 40 };
  const { finishMasks, pairwiseOverlaps } = binding.operations;
  const options = { ...thresholds, keepWords: true, runLengths: true };
  const finished: { masks: unknown; boxes: unknown } = await finishMasks(maps, size, options);
  const overlaps: { common: Uint32Array } = await pairwiseOverlaps(finished.masks, finished.boxes, {
    threads: 1,
  });
  const { common } = overlaps;
  if (common[0] !== size.width * size.height) throw new Error("it counts the pixels of test masks wrongly");
}

try {
  await tryOnce(process.argv[2]);
} catch (cause) {
  process.stderr.write(`\n${(cause as Error).message.split("\n", 1)[0]}\n`);
  process.exitCode = 1;
}
