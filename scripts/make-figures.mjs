// Draws the figures of the README with the built packages: `npm run figures`.
import { fileURLToPath } from "node:url";
import { UnSAM } from "@unsam/sdk";
import sharp from "sharp";

const images = new URL("../docs/images/", import.meta.url);
const file = (name) => fileURLToPath(new URL(name, images));
const GAP = 8;

const unsam = await UnSAM.load({ model: "nano" });

/** One click at several granularities, side by side. */
async function granularities(photo, click, levels, out) {
  const image = await unsam.encode(file(photo));
  const answers = await image.segmentAll(levels.map((granularity) => ({ points: [click], granularity })));
  const panels = await Promise.all(answers.map((answer) => answer.overlay()));
  const { width, height } = image;
  await sharp({
    create: { width: levels.length * (width + GAP) - GAP, height, channels: 3, background: "#ffffff" },
  })
    .composite(panels.map((input, i) => ({ input, left: i * (width + GAP), top: 0 })))
    .png({ palette: true, colours: 256 })
    .toFile(file(out));
  await image.dispose();
}

/** Every scale of one click, as `unsam ladder` draws it. */
async function ladder(photo, click, levels, out) {
  const image = await unsam.encode(file(photo));
  const sheet = await (await image.ladder({ points: [click] }, { levels })).toSheet();
  await sharp(sheet).png({ palette: true, colours: 256, effort: 10 }).toFile(file(out));
  await image.dispose();
}

/** Everything in a photo at several settings, as `unsam everything` paints it. */
async function scene(photo, granularity, out) {
  const image = await unsam.encode(file(photo));
  const picture = await (await image.everything()).overlay({ granularity });
  await sharp(picture).png({ palette: true, colours: 256, effort: 10 }).toFile(file(out));
  await image.dispose();
}

await granularities("fruit-board.jpg", [323, 123], [0.3, 0.6, 0.9], "granularity.png");
await ladder("fruit-board.jpg", [323, 123], 19, "ladder.png");
await scene("fruit-board.jpg", [0.15, 0.4, 0.9], "scene.png");
await unsam.dispose();
