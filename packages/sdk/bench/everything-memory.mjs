// Memory and time of a whole-image run on a 12-megapixel image: 1024 points × 5 granularities.
// Build first, then: node bench/everything-memory.mjs [network|region-tree] [grid|adaptive|regions]. Prints one JSON
// document. The network is the small random one of the core's fixtures: its masks are noise all over the image, so with
// thresholds of 0 every click's mask waits for suppression, and has far more outline than a mask of a photo. The region
// tree looks at an enlarged photo, and every region found stays.

import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { UnSAM } from "@unsam/sdk";
import sharp from "sharp";

setFlagsFromString("--max-old-space-size=512");
const [width, height] = [4000, 3000];
const fixture = (name) => fileURLToPath(new URL(`../../core/fixtures/unsamv2-mini/${name}`, import.meta.url));
const photo = fileURLToPath(new URL("../../../docs/images/fruit-board.jpg", import.meta.url));
const [model = "network", prompting = "grid"] = process.argv.slice(2);

/** Discs and stripes on a gradient, with noise. */
function drawImage() {
  const data = new Uint8Array(width * height * 3);
  let seed = 1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 3) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      const disc = ((x % 500) - 250) ** 2 + ((y % 500) - 250) ** 2 < 180 ** 2;
      const noise = seed >>> 28;
      data[i] = (disc ? 200 : (x * 120) / width) + noise;
      data[i + 1] = (disc ? ((x / 500) | 0) * 25 : (y * 150) / height) + noise;
      data[i + 2] = ((x >> 6) & 1 ? 80 : 150) + noise;
    }
  }
  return data;
}

const megabytes = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
const unsam = await UnSAM.load({
  model:
    model === "network"
      ? { checkpoint: fixture("checkpoint.safetensors"), config: fixture("config.json") }
      : "region-tree",
});
const image = await unsam.encode(
  model === "network"
    ? { data: drawImage(), width, height, channels: 3 }
    : await sharp(photo).resize(width, height, { fit: "fill" }).jpeg().toBuffer(),
);
const before = megabytes();
const started = performance.now();
let late = 0;
let last = performance.now();
const timer = setInterval(() => {
  late = Math.max(late, performance.now() - last - 5);
  last = performance.now();
}, 5);
const scene = await image.everything({
  granularity: [0.1, 1],
  levels: 5,
  pointsPerSide: 32,
  prompting,
  predictedIou: 0,
  stability: 0,
  onProgress: ({ prompts, promptsAtMost, masks, coverage }) => {
    if (prompts % 512 === 0 || prompts === promptsAtMost)
      console.error(
        `${prompts}/${promptsAtMost} clicks, ${masks} masks, coverage ${coverage.toFixed(3)}, ${megabytes()} MB`,
      );
  },
});
clearInterval(timer);
const report = {
  width,
  height,
  model,
  prompting,
  masks: scene.masks.length,
  packedMB: Math.round(scene.masks.reduce((sum, { packed }) => sum + packed.data.length, 0) / 2 ** 20),
  seconds: Math.round((performance.now() - started) / 100) / 10,
  loopHeldUpMs: Math.round(late),
  rssBeforeMB: before,
  peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
};
console.log(JSON.stringify(report, null, 2));
await unsam.dispose();
