// Prepares, uses and disposes images (and, every `decoderEvery` of them, a decoder), and prints how far the process's
// memory grew after the first fifth, in MiB.
// node --expose-gc memory-cycles.mjs ADDON CYCLES DECODER_EVERY dispose|forget
import { openAddon } from "#native/open-addon.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";
import { click } from "./click.mjs";
import { resident } from "./resident.mjs";

const [addon, cycles, decoderEvery, ending] = process.argv.slice(2);
const binding = openAddon(addon);
const [weights, features] = [syntheticWeights(), syntheticFeatures(8)];

async function cycle(images) {
  const decoder = await binding.createDecoder(weights, { precision: "float32" });
  for (let i = 0; i < images; i++) {
    const image = await decoder.prepare(features, { threads: 2 });
    await decoder.decode(image, [click, click], { threads: 2, multimask: false });
    if (ending === "dispose") image.dispose();
  }
  if (ending === "dispose") decoder.dispose();
}

let before = 0;
for (let done = 0; done < cycles; done += Number(decoderEvery)) {
  if (before === 0 && done >= cycles / 5) before = await resident();
  await cycle(Number(decoderEvery));
}
console.log((await resident()) - before);
