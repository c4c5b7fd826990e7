// Leaves the process in the middle of decode calls: node exit-while-decoding.mjs ADDON exit|throw|return
import { openAddon } from "#native/open-addon.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";

const [addon, way] = process.argv.slice(2);
const decoder = await openAddon(addon).createDecoder(syntheticWeights(), { precision: "float32" });
const image = await decoder.prepare(syntheticFeatures(16), { threads: 2 });
const prompt = {
  coords: Float32Array.of(20, 30, 0, 0),
  labels: Int32Array.of(1, -1),
  granularity: 0.5,
  maskLogits: null,
};
for (let i = 0; i < 6; i++) {
  decoder.decode(image, Array(16).fill(prompt), { threads: 2, multimask: false });
}
setTimeout(() => {
  if (way === "exit") process.exit(7);
  if (way === "throw") throw new Error("in the middle");
}, 20);
