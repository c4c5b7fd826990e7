// Makes a clip, cuts a thing out of a photo and moves it over that photo, then follows the thing through the clip.
// node track-clip.mjs PHOTO X Y OUT_FOLDER
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { UnSAM } from "@unsam/sdk";
import sharp from "sharp";

const [photo, x, y, out] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: track-clip.mjs PHOTO X Y OUT_FOLDER");
  process.exit(2);
}
const FRAMES = 12;
const [STEP, WIDTH] = [14, 480];
const click = [Number(x), Number(y)];
let photoWidth = WIDTH;

const unsam = await UnSAM.load({ model: "region-tree" });
await mkdir(out, { recursive: true });
const clip = path.join(out, "clip.gif");
await makeClip(clip);

const video = await unsam.openVideo(clip);
const thing = video.object();
await thing.prompt(0, { points: [[scaled(click[0]), scaled(click[1])]] });
for await (const { frame, time, objects } of video.track()) {
  const { mask, isPresent } = objects.get(thing);
  const where = isPresent ? `${mask.area} pixels from x = ${mask.bbox.x}` : "hidden";
  console.log(`frame ${frame}, ${time.toFixed(2)} s: ${where}`);
}

await video.save(path.join(out, "tracks.json"));
await video.render(path.join(out, "overlay.gif"));
await video.render(path.join(out, "cutout.webp"), { style: "cutout" });
try {
  await video.render(path.join(out, "overlay.mp4"));
} catch (error) {
  if (error.code !== "E_UNSUPPORTED") throw error;
  console.log(error.message);
}
await video.dispose();
await unsam.dispose();

/** Pixels of the clip for pixels of the photo. */
function scaled(value) {
  return Math.round((value * WIDTH) / photoWidth);
}

/** The thing that lies at the click, moved to the right frame by frame over the blurred photo. */
async function makeClip(file) {
  const image = await unsam.encode(photo);
  photoWidth = image.width;
  const { mask } = await image.segment({ points: [click], granularity: 0.6 });
  const { width, height } = image;
  const alpha = await sharp(mask.toBytes(255), { raw: { width, height, channels: 1 } })
    .resize(WIDTH)
    .toColourspace("b-w")
    .raw()
    .toBuffer();
  const small = sharp(photo).rotate().removeAlpha().resize(WIDTH);
  const { data, info } = await small.clone().raw().toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height };
  const thing = await sharp(data, { raw: { ...raw, channels: 3 } })
    .joinChannel(alpha, { raw: { ...raw, channels: 1 } })
    .png()
    .toBuffer();
  const ground = await small.clone().flop().blur(12).modulate({ saturation: 0.4 }).png().toBuffer();
  const frames = [];
  for (let i = 0; i < FRAMES; i++) {
    // What would stand out at the right is cut off.
    const moved = await sharp(thing)
      .extract({ left: 0, top: 0, width: raw.width - i * STEP, height: raw.height })
      .png()
      .toBuffer();
    const layers = [{ input: moved, left: i * STEP, top: 0 }];
    frames.push(await sharp(ground).composite(layers).removeAlpha().raw().toBuffer());
  }
  const all = { width: raw.width, height: raw.height * FRAMES, channels: 3, pageHeight: raw.height };
  await sharp(Buffer.concat(frames), { raw: all })
    .gif({ delay: Array(FRAMES).fill(80), loop: 0 })
    .toFile(file);
  await image.dispose();
}
