// Creates and disposes encoders, ten images each, and prints how far memory grew after the first fifth, in MiB.
// node --expose-gc encoder-memory.mjs ADDON
import { openAddon } from "#native/open-addon.js";
import { loadMatrices, SYNTHETIC_ENCODER, syntheticEncoderWeights } from "#native/synthetic-model.js";
import { resident } from "./resident.mjs";

const binding = openAddon(process.argv[2]);
const plan = { ...SYNTHETIC_ENCODER, imageSize: 256 };
const { vectors, matrix } = syntheticEncoderWeights(plan);
const photo = { width: 100, height: 80, data: new Uint8Array(24000).fill(7) };

async function cycle(i) {
  const encoder = await binding.createImageEncoder(plan, vectors, { precision: "float32" });
  await loadMatrices(encoder, matrix);
  for (let n = 0; n < 10; n++) await encoder.encode(photo, { threads: 2 });
  if (i % 2 === 0) encoder.dispose();
}

let before = 0;
for (let i = 0; i < 20; i++) {
  if (i === 4) before = await resident();
  await cycle(i);
}
console.log((await resident()) - before);
