import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Mask } from "@unsam/core/mask";
import { describeWithShared, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCsv } from "#evaluation/datasets/csv.js";
import { drawClicks } from "#evaluation/datasets/draw-clicks.js";
import { openDatasets } from "#evaluation/datasets/open-datasets.js";
import { readLabelMap, readTruth } from "#evaluation/datasets/read-truth.js";
import { innermostPixel } from "#evaluation/metrics/distance-transform.js";

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

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "unsam-dataset-"));
});
afterAll(() => rm(root, { recursive: true }));

async function folder(name: string, ...parts: string[]): Promise<string> {
  const made = path.join(root, name);
  for (const part of ["", ...parts]) await mkdir(path.join(made, part), { recursive: true });
  return made;
}

const grey = (values: Uint8Array | Uint16Array, width: number, depth: 8 | 16) =>
  sharp(values, { raw: { width, height: values.length / width, channels: 1 } })
    .toColourspace(depth === 16 ? "grey16" : "b-w")
    .png();

describe("a data set in the fixed layout", () => {
  // Values above 255 in both bytes, so that a lost or swapped byte shows.
  const values = Uint16Array.from({ length: 6 * 4 }, (_, i) => (i * 2731) % 65536);

  it("is read with its 16-bit labels, annotators and clicks", async () => {
    const dir = await folder("tiny", "images", "labels");
    await grey(new Uint8Array(24).fill(77), 6, 8).toFile(path.join(dir, "images", "one.png"));
    await grey(values, 6, 16).toFile(path.join(dir, "labels", "one.1.png"));
    await grey(
      values.map((value) => value >> 1),
      6,
      16,
    ).toFile(path.join(dir, "labels", "one.2.png"));
    await writeFile(path.join(dir, "dataset.json"), '{"name":"a set","zero_label":"ignore","licence":"CC0"}');
    await writeFile(
      path.join(dir, "clicks.csv"),
      "image,annotator,region,x,y,area_px,radius\r\none,2,1365,1,0,1,1\r\n",
    );
    const [dataset] = await openDatasets(dir);
    expect(dataset).toMatchObject({
      name: "a set",
      licence: "CC0",
      ignoresZero: true,
      clicksFrom: "clicks.csv",
    });
    const [image] = dataset.images;
    expect(image.annotations.map(({ annotator }) => annotator)).toEqual([1, 2]);
    expect(image.clicks).toEqual([{ image: "one", annotator: 2, region: 1365, x: 1, y: 0 }]);
    const truth = await readTruth(image, true, { width: 6, height: 4 });
    expect(truth.annotations[0].labels!.data).toEqual(values);
    expect(truth.counted!.area).toBe(23);
    expect(truth.annotations[1].regions.get(1365)!.area).toBe(1);
    await expect(readTruth(image, true, { width: 4, height: 6 })).rejects.toMatchObject({
      code: "E_BAD_FILE",
    });
  });

  it("says what is missing or malformed", async () => {
    await expect(openDatasets(path.join(root, "nowhere"))).rejects.toThrow(/nothing at/);
    await expect(openDatasets(await folder("empty"))).rejects.toThrow(/holds no data set/);
    const broken = await folder("broken", "images", "labels");
    await writeFile(path.join(broken, "dataset.json"), "{");
    await expect(openDatasets(broken)).rejects.toThrow(/not JSON/);
    await writeFile(path.join(broken, "dataset.json"), "{}");
    await expect(openDatasets(broken)).rejects.toThrow(/no photo/);
    await writeFile(path.join(broken, "clicks.csv"), "image,annotator,region,x,y\nnone,1,2,3,4\n");
    await expect(openDatasets(broken)).rejects.toThrow(/click 1/);
  });
});

describe("a folder of label maps", () => {
  it("of 8 bits beside their photos has clicks drawn by the rule", async () => {
    const dir = await folder("flat");
    await grey(new Uint8Array(10 * 8).fill(9), 10, 8).toFile(path.join(dir, "photo.png"));
    const labels = Uint8Array.from({ length: 80 }, (_, i) => (i % 10 < 5 ? 3 : i < 40 ? 200 : 0));
    await grey(labels, 10, 8).toFile(path.join(dir, "photo.labels.png"));
    expect([...(await readLabelMap(path.join(dir, "photo.labels.png"))).data]).toEqual([...labels]);
    const [dataset] = await openDatasets(dir);
    expect(dataset).toMatchObject({ name: "flat", clicksFrom: "drawn", ignoresZero: false });
    const truth = await readTruth(dataset.images[0], false, { width: 10, height: 8 });
    // Columns 0–4: the third column is three pixels from every side; rows 2–5 are alike, the first one is taken.
    expect(drawClicks(truth, "photo", 1)).toEqual([
      { image: "photo", annotator: 1, region: 3, x: 2, y: 2 },
      { image: "photo", annotator: 1, region: 200, x: 6, y: 1 },
    ]);
  });

  it("refuses colours", async () => {
    const dir = await folder("coloured");
    const rgb = { raw: { width: 2, height: 2, channels: 3 as const } };
    const file = path.join(dir, "map.png");
    await sharp(
      Uint8Array.from({ length: 12 }, (_, i) => 20 * i),
      rgb,
    )
      .png({ palette: true })
      .toFile(file);
    await expect(readLabelMap(file)).rejects.toThrow(/palette/);
  });
});

describe("a COCO JSON", () => {
  it("gives polygons and run lengths as regions, and leaves crowds out", async () => {
    const dir = await folder("coco", "annotations", "val");
    await grey(new Uint8Array(60), 10, 8).toFile(path.join(dir, "val", "a.png"));
    const mask = Mask.fromBytes(
      10,
      6,
      Array.from({ length: 60 }, (_, i) => (i % 10 > 6 ? 1 : 0)),
    );
    const file = path.join(dir, "annotations", "things_val.json");
    const annotations = [
      { id: 11, image_id: 5, segmentation: [[1, 1, 5, 1, 5, 4, 1, 4]] },
      { id: 12, image_id: 5, segmentation: mask.toRLE(), iscrowd: 0 },
      { id: 13, image_id: 5, segmentation: mask.toRLE({ compressed: false }), iscrowd: 1 },
    ];
    const images = [
      { id: 5, file_name: "a.png" },
      { id: 6, file_name: "without.png" },
    ];
    await writeFile(file, JSON.stringify({ images, annotations, licenses: [{ name: "CC BY" }] }));
    for (const where of [file, path.join(dir, "annotations")]) {
      const [dataset] = await openDatasets(where);
      expect(dataset).toMatchObject({ name: "things_val", licence: "CC BY", clicksFrom: "drawn" });
      expect(dataset.images.map(({ name }) => name)).toEqual(["a"]);
      expect(dataset.images[0].file).toBe(path.join(dir, "val", "a.png"));
      const truth = await readTruth(dataset.images[0], false, { width: 10, height: 6 });
      const regions = truth.annotations[0].regions;
      expect([...regions.keys()]).toEqual([11, 12]);
      expect(regions.get(11)!.area).toBe(12);
      expect(regions.get(12)!.equals(mask)).toBe(true);
      await expect(readTruth(dataset.images[0], false, { width: 9, height: 6 })).rejects.toThrow(/10×6/);
    }
  });

  it("is refused where it is none", async () => {
    const dir = await folder("not-coco");
    const file = path.join(dir, "x.json");
    for (const [content, reason] of [
      ["[1, 2]", /no COCO JSON/],
      ['{"images": [{"id": "x"}], "annotations": []}', /no COCO JSON/],
      ['{"images": [], "annotations": [{"image_id": 1, "segmentation": 5}]}', /annotation 1/],
      ["{", /not JSON/],
    ] as const) {
      await writeFile(file, content);
      await expect(openDatasets(file)).rejects.toThrow(reason);
    }
  });
});

describeWithShared("the evaluation sets", () => {
  it("are found together in their folder", async () => {
    const sets = await openDatasets(shared("data", "eval"));
    expect(sets.map(({ name }) => name)).toEqual(["bsds500", "camvid", "dsb2018", "em_isbi2012"]);
  });

  it.each(["bsds500", "dsb2018", "camvid", "em_isbi2012"])(
    "%s: each click is the innermost pixel of its region, as where we would draw it",
    async (name) => {
      const [dataset] = await openDatasets(shared("data", "eval", name));
      const table = parseCsv(await readFile(shared("data", "eval", name, "clicks.csv"), "utf8"));
      const clicked = dataset.images.filter(({ clicks }) => clicks!.length > 0);
      for (const image of clicked.filter((_, k) => k % 9 === 0)) {
        const { width = 0, height = 0 } = await sharp(image.file).metadata();
        const truth = await readTruth(image, dataset.ignoresZero, { width, height });
        for (const click of image.clicks!) {
          const region = truth.annotations
            .find(({ annotator }) => annotator === click.annotator)!
            .regions.get(click.region)!;
          const row = table.find(
            (row) =>
              row.image === image.name &&
              Number(row.annotator || 1) === click.annotator &&
              Number(row.region) === click.region,
          )!;
          const own = innermostPixel(region)!;
          expect(region.has(click.x, click.y)).toBe(true);
          expect(region.area).toBe(Number(row.area_px));
          expect(own.radius).toBeCloseTo(Number(row.radius), 2);
          expect([own.x, own.y]).toEqual([click.x, click.y]);
        }
      }
    },
  );

  it("agree with their table of regions", async () => {
    const [dataset] = await openDatasets(shared("data", "eval", "em_isbi2012"));
    const table = parseCsv(await readFile(shared("data", "eval", "em_isbi2012", "regions.csv"), "utf8"));
    const [image] = dataset.images;
    const { annotations } = await readTruth(image, false, { width: 512, height: 512 });
    const rows = table.filter((row) => row.image === image.name);
    expect(rows.length).toBe(annotations[0].regions.size);
    for (const row of rows)
      expect(annotations[0].regions.get(Number(row.region))!.area).toBe(Number(row.area_px));
  });
});
