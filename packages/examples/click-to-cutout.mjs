// Cuts out what was clicked on: the photo with everything else transparent.
// node click-to-cutout.mjs PHOTO X Y [GRANULARITY] OUT.png
import { UnSAM } from "@unsam/sdk";
import sharp from "sharp";

const args = process.argv.slice(2);
if (args.length < 4) {
  console.error("usage: click-to-cutout.mjs PHOTO X Y [GRANULARITY] OUT.png");
  process.exit(2);
}
const [photo, x, y] = [args[0], Number(args[1]), Number(args[2])];
const out = args.at(-1);
// A number, a name such as "fine", or "auto".
const granularity = args.length > 4 ? (Number.isNaN(Number(args[3])) ? args[3] : Number(args[3])) : "auto";

const unsam = await UnSAM.load();
const image = await unsam.encode(photo);
const { mask, score, granularity: chosen } = await image.segment({ points: [[x, y]], granularity });

const { x: left, y: top, width, height } = mask.bbox;
await sharp(photo)
  .autoOrient()
  .toColourspace("srgb")
  .removeAlpha()
  .joinChannel(await mask.toPNG())
  .toBuffer()
  .then((cutout) => sharp(cutout).extract({ left, top, width, height }).png().toFile(out));
console.log(
  `${out}: ${width} × ${height} pixels, granularity ${chosen.toFixed(2)}, score ${score.toFixed(3)}`,
);

await unsam.dispose();
