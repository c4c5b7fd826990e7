// Leaves the process in the middle of decode calls: node exit-while-decoding.mjs ADDON exit|throw|return
import { openAddon } from "#native/open-addon.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";
import { click } from "./click.mjs";

const [addon, way] = process.argv.slice(2);
const decoder = await openAddon(addon).createDecoder(syntheticWeights(), { precision: "float32" });
const image = await decoder.prepare(syntheticFeatures(16), { threads: 2 });
for (let i = 0; i < 6; i++) {
  decoder.decode(image, Array(16).fill(click), { threads: 2, multimask: false });
}
setTimeout(() => {
  if (way === "exit") process.exit(7);
  if (way === "throw") throw new Error("in the middle");
}, 20);
