// How much of a photo adaptive prompting covers, and with how many clicks, against the official grid of 32 × 32.
// Build first, then: node bench/adaptive-coverage.mjs [FOLDER] [PHOTOS] [CHECKPOINT CONFIG PREDICTED_IOU STABILITY]
// Photos are taken evenly from the folder's, by name; without a checkpoint the region tree answers the clicks.
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { UnSAM } from "@unsam/sdk";

const shared = fileURLToPath(new URL("../../../../shared/data/unlabeled", import.meta.url));
const [folder = shared, photos = "10", checkpoint, config, predictedIou = "0", stability = "0"] =
  process.argv.slice(2);
const LEVELS = [0.1, 0.325, 0.55, 0.775, 1];

const names = readdirSync(folder)
  .filter((name) => /\.(jpe?g|png)$/i.test(name))
  .sort();
const chosen = Array.from(
  { length: Math.min(Number(photos), names.length) },
  (_, i) => names[Math.floor((i * names.length) / Number(photos))],
);
const unsam = await UnSAM.load({ model: checkpoint ? { checkpoint, config } : "region-tree" });

/**
 * Share of the photo that lies in a mask that passed the thresholds, mean over the granularities, and clicks in all.
 * What the grid finds counts before its box suppression, which takes some of it away again.
 */
async function run(image, prompting) {
  const union = new Map(LEVELS.map((level) => [level, null]));
  let clicks = 0;
  const everything = image.everything({
    prompting,
    granularity: LEVELS,
    predictedIou: Number(predictedIou),
    stability: Number(stability),
  });
  for await (const { masks, progress } of everything) {
    clicks = progress.prompts;
    for (const { mask, granularity } of masks) {
      const { words } = mask;
      const all = union.get(granularity) ?? new Uint32Array(words.length);
      for (let i = 0; i < words.length; i++) all[i] |= words[i];
      union.set(granularity, all);
    }
  }
  const covered = LEVELS.map((level) => {
    let bits = 0;
    for (let word of union.get(level) ?? []) for (; word !== 0; word &= word - 1) bits++;
    return bits / (image.width * image.height);
  });
  return { clicks, covered };
}

const percent = (share) => `${(100 * share).toFixed(1)} %`.padStart(8);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
console.log(
  `${unsam.model.name}, granularity ${LEVELS.join(", ")} in one run: coverage is the mean over them`,
);
console.log(`${"photo".padEnd(28)} grid covers  adaptive covers  of the grid's  with clicks`);
const rows = [];
for (const name of chosen) {
  const image = await unsam.encode(path.join(folder, name));
  const grid = await run(image, "grid");
  const adaptive = await run(image, "adaptive");
  await image.dispose();
  const row = [mean(grid.covered), mean(adaptive.covered)];
  row.push(row[1] / row[0], adaptive.clicks / grid.clicks);
  rows.push({ row, perLevel: LEVELS.map((_, i) => adaptive.covered[i] / grid.covered[i]) });
  print(name.slice(0, 28), row);
}
print(
  "mean",
  [0, 1, 2, 3].map((column) => mean(rows.map(({ row }) => row[column]))),
);
const least = LEVELS.map((_, i) => percent(Math.min(...rows.map(({ perLevel }) => perLevel[i]))).trim());
console.log(`least share of the grid's coverage at each granularity: ${least.join(", ")}`);
await unsam.dispose();

function print(name, [grid, adaptive, share, clicks]) {
  console.log(
    `${name.padEnd(28)}    ${percent(grid)}         ${percent(adaptive)}       ${percent(share)}     ${percent(clicks)}`,
  );
}
