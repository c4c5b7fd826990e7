// Everything in a photo as one scene: prints what lies in what, and paints the regions of three granularities.
// node whole-scene.mjs PHOTO OUT_FOLDER
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { SceneHierarchy, UnSAM } from "@unsam/sdk";

const [photo, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: whole-scene.mjs PHOTO OUT_FOLDER");
  process.exit(2);
}
await mkdir(out, { recursive: true });

const unsam = await UnSAM.load();
const image = await unsam.encode(photo);

const run = image.everything({ granularity: [0.1, 1] });
for await (const { progress } of run) console.log(`${progress.masks} masks so far`);
const scene = await run;

for (const whole of scene.roots) {
  const parts = whole.children.length;
  console.log(
    `a region of ${whole.area} pixels with ${parts} parts, from granularity ${whole.range[0].toFixed(2)} on`,
  );
}
const [x, y] = [image.width / 2, image.height / 2];
const chain = scene.pick(x, y).map(({ area }) => area);
console.log(`in the middle of the photo, from part to whole: ${chain.join(" → ")} pixels`);

for (const granularity of [0.2, 0.5, 0.9]) {
  await writeFile(path.join(out, `regions-${granularity}.png`), await scene.overlay({ granularity }));
}
await writeFile(path.join(out, "contours.png"), await scene.contours.toPNG());

// The file holds all of it, without loss.
await scene.save(path.join(out, "scene.json"));
const again = await SceneHierarchy.load(path.join(out, "scene.json"));
console.log(`${out}: ${again.masks.length} masks saved and read back`);

await unsam.dispose();
