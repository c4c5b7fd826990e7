import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeWithShared, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCsv } from "#evaluation/datasets/csv.js";
import { openDataset, readLabels, readRgb } from "#evaluation/datasets/dataset.js";

describe("CSV", () => {
  it("knows quotes, doubled quotes, line ends and empty fields", () => {
    expect(parseCsv('a,b\r\n1,"x, ""y""\nz"\r\n,\r\n')).toEqual([
      { a: "1", b: 'x, "y"\nz' },
      { a: "", b: "" },
    ]);
    expect(parseCsv("")).toEqual([]);
    expect(parseCsv("a,b\n1,2")).toEqual([{ a: "1", b: "2" }]);
  });
});

describe("a data set", () => {
  let folder: string;
  // Values above 255 in both bytes, so that a lost or swapped byte shows.
  const values = Uint16Array.from({ length: 6 * 4 }, (_, i) => (i * 2731) % 65536);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "unsam-dataset-"));
    await mkdir(path.join(folder, "images"));
    await mkdir(path.join(folder, "labels"));
    await sharp(Buffer.alloc(24, 77), { raw: { width: 6, height: 4, channels: 1 } })
      .png()
      .toFile(path.join(folder, "images", "one.png"));
    await sharp(values, { raw: { width: 6, height: 4, channels: 1 } })
      .toColourspace("grey16")
      .png()
      .toFile(path.join(folder, "labels", "one.png"));
    await writeFile(path.join(folder, "dataset.json"), '{"name":"tiny","zero_label":"ignore"}');
    await writeFile(
      path.join(folder, "clicks.csv"),
      "image,annotator,region,x,y,area_px,radius\r\none,1,2731,1,0,1,1\r\n",
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("is read with its 16-bit labels and grey images", async () => {
    const dataset = await openDataset(folder);
    expect(dataset).toMatchObject({
      name: "tiny",
      ignoresZero: true,
      manyAnnotators: false,
      images: ["one"],
    });
    expect(dataset.clicks).toEqual([{ image: "one", annotator: 1, region: 2731, x: 1, y: 0 }]);
    const labels = await readLabels(dataset, "one", 1);
    expect([labels.width, labels.height]).toEqual([6, 4]);
    expect(labels.data).toEqual(values);
    const image = await readRgb(dataset.imageFile.get("one")!);
    expect(image.data.length).toBe(6 * 4 * 3);
    expect(new Set(image.data)).toEqual(new Set([77]));
  });

  it("says what is missing or malformed", async () => {
    await expect(openDataset(path.join(folder, "nowhere"))).rejects.toThrow(/cannot be read/);
    const broken = await mkdtemp(path.join(tmpdir(), "unsam-dataset-"));
    await mkdir(path.join(broken, "images"));
    await mkdir(path.join(broken, "labels"));
    await writeFile(path.join(broken, "dataset.json"), "{");
    await writeFile(path.join(broken, "clicks.csv"), "image,annotator,region,x,y\nnone,1,2,3,4\n");
    await expect(openDataset(broken)).rejects.toThrow(/not JSON/);
    await writeFile(path.join(broken, "dataset.json"), "{}");
    await expect(openDataset(broken)).rejects.toThrow(/click 1/);
    await rm(broken, { recursive: true });
  });
});

describeWithShared("the evaluation sets", () => {
  it.each(["bsds500", "dsb2018", "camvid", "em_isbi2012"])(
    "%s: every click lies in its region",
    async (name) => {
      const dataset = await openDataset(shared("data", "eval", name));
      const some = dataset.clicks.filter((_, k) => k % 9 === 0);
      for (const click of some) {
        const labels = await readLabels(dataset, click.image, click.annotator);
        expect(labels.data[click.y * labels.width + click.x]).toBe(click.region);
      }
    },
  );

  it("agree with their table of regions", async () => {
    const dataset = await openDataset(shared("data", "eval", "em_isbi2012"));
    const table = parseCsv(await readFile(shared("data", "eval", "em_isbi2012", "regions.csv"), "utf8"));
    const name = dataset.images[0];
    const { data } = await readLabels(dataset, name, 1);
    const areas = new Map<number, number>();
    for (const label of data) if (label > 0) areas.set(label, (areas.get(label) ?? 0) + 1);
    const rows = table.filter((row) => row.image === name);
    expect(rows.length).toBe(areas.size);
    for (const row of rows) expect(areas.get(Number(row.region))).toBe(Number(row.area_px));
  });
});
