// How well pseudo-labels hold the regions that people drew: for every region of the fixed list of an evaluation set
// (clicks.csv) the best IoU among the labels of its image, wherever they lie. Labels are made as `unsam pseudo-label`
// makes them.
//
//   node packages/pseudo-labels/bench/oracle.mjs [SET] [--data DIR] [--limit N] [--out DIR] [--threads N] [--json]
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Mask } from "@unsam/core/mask";
import { openDatasets, readTruth } from "@unsam/evaluation";
import { labelFolder, parseLabelFile } from "@unsam/pseudo-labels";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: {
      type: "string",
      default: fileURLToPath(new URL("../../../../shared/data/eval", import.meta.url)),
    },
    limit: { type: "string" },
    threads: { type: "string" },
    out: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const [dataset] = await openDatasets(path.join(values.data, positionals[0] ?? "bsds500"));
const clicked = dataset.images.filter(({ clicks }) => clicks?.length > 0);
const count = Math.min(Number(values.limit ?? clicked.length), clicked.length);
const images = Array.from({ length: count }, (_, k) => clicked[Math.floor((k * clicked.length) / count)]);

const work = await mkdtemp(path.join(tmpdir(), "unsam-oracle-"));
try {
  const photos = path.join(work, "photos");
  for (const { file } of images) await cp(file, path.join(photos, path.basename(file)));
  const out = values.out ?? path.join(work, "labels");
  const start = performance.now();
  const before = process.cpuUsage();
  const { failed } = await labelFolder(photos, {
    out,
    ...(values.threads ? { threads: Number(values.threads) } : {}),
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  if (failed.length > 0) throw failed[0].error;

  const scores = [];
  let labels = 0;
  for (const image of images) {
    const text = await readFile(path.join(out, `${image.name}.json`), "utf8");
    const { image: size, annotations } = parseLabelFile(text, image.name);
    labels += annotations.length;
    const masks = annotations.map(({ segmentation }) => Mask.fromRLE(segmentation));
    const { counted, annotations: people } = await readTruth(image, dataset.voidLabels, size);
    for (const { annotator, region } of image.clicks) {
      const wanted = people.find((person) => person.annotator === annotator).regions.get(region);
      const iou = (mask) => {
        const common = mask.intersection(wanted);
        return common / ((counted ? mask.intersection(counted) : mask.area) + wanted.area - common);
      };
      scores.push(Math.max(0, ...masks.map(iou)));
    }
  }

  const report = {
    dataset: dataset.name,
    images: images.length,
    regions: scores.length,
    labelsAnImage: labels / images.length,
    oracleIou: scores.reduce((sum, score) => sum + score, 0) / scores.length,
    secondsAPhoto: seconds / images.length,
    cpuSecondsAPhoto: (user + system) / 1e6 / images.length,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    process.stdout.write(
      `${report.dataset}: ${report.regions} regions of ${report.images} photos, ${report.labelsAnImage.toFixed(0)} labels a photo: ` +
        `oracle IoU ${report.oracleIou.toFixed(3)}; ${report.secondsAPhoto.toFixed(2)} s a photo on the clock, ` +
        `${report.cpuSecondsAPhoto.toFixed(2)} s of processor time\n`,
    );
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
