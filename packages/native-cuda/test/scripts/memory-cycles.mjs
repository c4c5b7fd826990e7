// Prepares, uses and disposes images (and, every `decoderEvery` of them, a decoder), and prints how far the process's
// memory grew after the first fifth, in MiB.
// node --expose-gc memory-cycles.mjs ADDON CYCLES DECODER_EVERY dispose|forget
import { openAddon } from "#native/open-addon.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";

const [addon, cycles, decoderEvery, ending] = process.argv.slice(2);
const binding = openAddon(addon);
const [weights, features] = [syntheticWeights(), syntheticFeatures(8)];
const prompt = {
  coords: Float32Array.of(20, 30, 0, 0),
  labels: Int32Array.of(1, -1),
  granularity: 0.5,
  maskLogits: null,
};

async function cycle(images) {
  const decoder = await binding.createDecoder(weights, { precision: "float32" });
  for (let i = 0; i < images; i++) {
    const image = await decoder.prepare(features, { threads: 2 });
    await decoder.decode(image, [prompt, prompt], { threads: 2, multimask: false });
    if (ending === "dispose") image.dispose();
  }
  if (ending === "dispose") decoder.dispose();
}

async function resident() {
  // Finalizers run after the collection, in a turn of the event loop of their own.
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage.rss() / 2 ** 20;
}

let before = 0;
for (let done = 0; done < cycles; done += Number(decoderEvery)) {
  if (before === 0 && done >= cycles / 5) before = await resident();
  await cycle(Number(decoderEvery));
}
console.log((await resident()) - before);
