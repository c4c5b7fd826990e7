// What calibrating the region tree is worth on images it was not fitted on. Reports, asserts nothing.
// node packages/evaluation/bench/calibration.mjs [--labels] [--statistics]   (both if none is named)
// Needs the shared folder beside the clone. --labels: clicks of the evaluation sets, fitted on the first five images
// of each, held out the next five. --statistics: food photos of the unlabelled set, as many fitted as held out.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { calibrate, regionStatistics, UnSAM } from "@unsam/sdk";
import { openDatasets, readTruth } from "../dist/index.js";

const data = process.env.UNSAM_SHARED
  ? path.join(process.env.UNSAM_SHARED, "data")
  : fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const wanted = process.argv.slice(2);
const both = wanted.length === 0;
const unsam = await UnSAM.load({ model: "region-tree" });

/** Mean IoU of the answers at one setting. */
async function meanIou(images, targets, granularity) {
  let sum = 0;
  for (const { image, prompt, mask } of targets) {
    sum += (await images[image].segment({ ...prompt, granularity })).mask.iou(mask);
  }
  return sum / targets.length;
}

async function labels(name) {
  const [set] = await openDatasets(path.join(data, "eval", name));
  const images = [];
  const targets = [];
  for (const [i, entry] of set.images
    .filter(({ clicks }) => clicks?.length > 0)
    .slice(0, 10)
    .entries()) {
    const image = await unsam.encode(entry.file);
    images.push(image);
    const truth = await readTruth(entry, set.voidLabels, image);
    for (const { annotator, region, x, y } of entry.clicks) {
      const mask = truth.annotations.find((one) => one.annotator === annotator).regions.get(region);
      targets.push({ image: i, prompt: { points: [[x, y]] }, mask });
    }
  }
  const fitted = targets.filter(({ image }) => image < 5);
  const heldOut = targets.filter(({ image }) => image >= 5);
  const cells = [await meanIou(images, heldOut, 1)];
  for (const some of [fitted.slice(0, 6), fitted]) {
    cells.push(await meanIou(images, heldOut, (await calibrate(images, some)).toModel(1)));
  }
  cells.push(await meanIou(images, heldOut, "auto"));
  console.log(`| ${name} | ${fitted.length} | ${cells.map((cell) => cell.toFixed(3)).join(" | ")} |`);
  for (const image of images) await image.dispose();
}

async function statistics(count) {
  const folder = path.join(data, "unlabeled");
  const files = readFileSync(path.join(folder, "index.csv"), "utf8")
    .split("\n")
    .filter((row) => row.startsWith("food_"))
    .map((row) => row.split(",")[0]);
  const pick = (offset) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        unsam.encode(path.join(folder, files[Math.floor(((i + offset) * files.length) / (count + 1))])),
      ),
    );
  const [fitted, heldOut] = [await pick(0.1), await pick(0.6)];
  const goals = [{ medianRegionArea: 0.01 }, { medianRegionArea: 1500 }, { regionsPerImage: 20 }];
  for (const goal of goals) {
    const calibration = await calibrate(fitted, goal);
    const { before, after } = calibration.fit;
    const found = await regionStatistics(heldOut, calibration.toModel(1));
    const value =
      goal.regionsPerImage !== undefined
        ? found.regionsPerImage
        : goal.medianRegionArea < 1
          ? found.medianRegionShare
          : found.medianRegionArea;
    const cells = [before, after, value].map((number) => number.toPrecision(3));
    console.log(`| ${count} | ${JSON.stringify(goal)} | ${cells.join(" | ")} |`);
  }
  for (const image of [...fitted, ...heldOut]) await image.dispose();
}

if (both || wanted.includes("--labels")) {
  console.log("| set | labels | granularity 1 | 6 labels | all labels | auto |\n|---|---|---|---|---|---|");
  for (const name of ["bsds500", "dsb2018", "camvid", "em_isbi2012"]) await labels(name);
}
if (both || wanted.includes("--statistics")) {
  console.log("\n| images | goal | before | fitted | held out |\n|---|---|---|---|---|");
  for (const count of [6, 12]) await statistics(count);
}
await unsam.dispose();
