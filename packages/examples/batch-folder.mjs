// Scenes of all photos in a folder, two at a time. What is there already is not done again, so it can be stopped and
// started at will; a photo that cannot be read stops nothing. `unsam everything DIR --out DIR` does more.
// node batch-folder.mjs PHOTOS OUT_FOLDER
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { UnSAM } from "@unsam/sdk";

const [folder, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: batch-folder.mjs PHOTOS OUT_FOLDER");
  process.exit(2);
}
await mkdir(out, { recursive: true });
const there = new Set(await readdir(out));
const photos = (await readdir(folder))
  .filter((name) => /\.(jpe?g|png|webp)$/i.test(name) && !there.has(`${name}.json`))
  .sort();

const unsam = await UnSAM.load();
const failed = [];

async function worker() {
  for (let name = photos.shift(); name !== undefined; name = photos.shift()) {
    try {
      const image = await unsam.encode(path.join(folder, name));
      const scene = await image.everything();
      // Appears under its name only when it is whole.
      await scene.save(path.join(out, `${name}.json`));
      console.log(`${name}: ${scene.masks.length} masks`);
      await image.dispose();
    } catch (error) {
      failed.push(name);
      console.error(`${name}: ${error.message}`);
    }
  }
}
await Promise.all([worker(), worker()]);
await unsam.dispose();
if (failed.length > 0) process.exitCode = 1;
