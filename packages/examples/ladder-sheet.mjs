// Draws every scale of what was clicked on, and says which one the library would choose.
// node ladder-sheet.mjs PHOTO X Y OUT.png
import { writeFile } from "node:fs/promises";
import { UnSAM } from "@unsam/sdk";

const [photo, x, y, out] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: ladder-sheet.mjs PHOTO X Y OUT.png");
  process.exit(2);
}

const unsam = await UnSAM.load();
const image = await unsam.encode(photo);
const ladder = await image.ladder({ points: [[Number(x), Number(y)]] }, { levels: 19 });

for (const { range, segment } of ladder.distinct) {
  console.log(`granularity ${range[0]} to ${range[1]}: ${segment.mask.area} pixels`);
}
console.log(`most persistent: granularity ${ladder.stable.granularity}`);

// The buttons "smaller" and "larger" of an application.
const smaller = await ladder.stable.finer();
const larger = await ladder.stable.coarser();
console.log(`smaller: ${smaller?.mask.area ?? "nothing"}, larger: ${larger?.mask.area ?? "nothing"}`);

await writeFile(out, await ladder.toSheet());
await unsam.dispose();
