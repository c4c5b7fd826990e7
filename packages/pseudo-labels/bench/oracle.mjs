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
import { openDataset, readLabels } from "@unsam/evaluation";
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
const dataset = await openDataset(path.join(values.data, positionals[0] ?? "bsds500"));
const clicked = [...new Set(dataset.clicks.map((click) => click.image))];
const count = Math.min(Number(values.limit ?? clicked.length), clicked.length);
const images = Array.from({ length: count }, (_, k) => clicked[Math.floor((k * clicked.length) / count)]);

const work = await mkdtemp(path.join(tmpdir(), "unsam-oracle-"));
try {
  const photos = path.join(work, "photos");
  for (const name of images) {
    const file = dataset.imageFile.get(name);
    await cp(file, path.join(photos, path.basename(file)));
  }
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
  for (const name of images) {
    const { annotations } = parseLabelFile(await readFile(path.join(out, `${name}.json`), "utf8"), name);
    labels += annotations.length;
    const masks = annotations.map(({ segmentation }) => Mask.fromRLE(segmentation));
    for (const click of dataset.clicks.filter(({ image }) => image === name)) {
      const map = await readLabels(dataset, name, click.annotator);
      const wanted = Mask.fromBytes(
        map.width,
        map.height,
        Uint8Array.from(map.data, (label) => Number(label === click.region)),
      );
      const ignored = dataset.ignoresZero
        ? Mask.fromBytes(
            map.width,
            map.height,
            Uint8Array.from(map.data, (label) => Number(label === 0)),
          )
        : null;
      const iou = (mask) => {
        const common = mask.intersection(wanted);
        return common / (mask.area - (ignored ? mask.intersection(ignored) : 0) + wanted.area - common);
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
