// Draws the figures of the README with the built packages: `npm run figures`.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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

/** Frames of the clip that the example follows a thing through. */
async function strip(photo, [x, y], frames, out) {
  const folder = await mkdtemp(path.join(tmpdir(), "unsam-figures-"));
  const example = fileURLToPath(new URL("../packages/examples/track-clip.mjs", import.meta.url));
  await promisify(execFile)(process.execPath, [example, file(photo), x, y, folder]);
  const panel = (page) => sharp(path.join(folder, "overlay.gif"), { page }).resize(300).png();
  const panels = await Promise.all(frames.map((frame) => panel(frame).toBuffer({ resolveWithObject: true })));
  const [{ width, height }] = panels.map(({ info }) => info);
  const size = { width: frames.length * (width + GAP) - GAP, height };
  await sharp({ create: { ...size, channels: 3, background: "#ffffff" } })
    .composite(panels.map(({ data }, i) => ({ input: data, left: i * (width + GAP), top: 0 })))
    .png({ palette: true, colours: 256, effort: 10 })
    .toFile(file(out));
  await rm(folder, { recursive: true });
}

await granularities("fruit-board.jpg", [323, 123], [0.3, 0.6, 0.9], "granularity.png");
await ladder("fruit-board.jpg", [323, 123], 19, "ladder.png");
await scene("fruit-board.jpg", [0.15, 0.4, 0.9], "scene.png");
await strip("fruit-board.jpg", [323, 123], [0, 4, 8, 11], "track.png");
await unsam.dispose();
