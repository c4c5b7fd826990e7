import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describeWithShared, shared } from "@unsam/test-support";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { parseCsv } from "#evaluation/datasets/clicks/csv.js";
import { drawClicks } from "#evaluation/datasets/clicks/draw-clicks.js";
import { readLabelMap } from "#evaluation/datasets/label-maps/read-label-map.js";
import { type Note, noteText } from "#evaluation/datasets/notes.js";
import { openDatasets } from "#evaluation/datasets/open-datasets.js";
import { readTruth } from "#evaluation/datasets/read-truth.js";
import { innermostPixel } from "#evaluation/metrics/distance-transform.js";
import { grey, photo, scratch, writeJson } from "./files.js";

const folder = scratch();

describe("a data set in the fixed layout", () => {
  // Values above 255 in both bytes, so that a lost or swapped byte shows.
  const values = Uint16Array.from({ length: 6 * 4 }, (_, i) => (i * 2731) % 65536);

  it("is read with its 16-bit labels, annotators and clicks", async () => {
    const dir = await folder("tiny", "images", "labels");
    await grey(new Uint8Array(24).fill(77), 6).toFile(path.join(dir, "images", "one.png"));
    await grey(values, 6).toFile(path.join(dir, "labels", "one.1.png"));
    await grey(
      values.map((value) => value >> 1),
      6,
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
      voidLabels: [0],
      clicksFrom: "clicks.csv",
    });
    const [image] = dataset.images;
    expect(image.annotations.map(({ annotator }) => annotator)).toEqual([1, 2]);
    expect(image.clicks).toEqual([{ image: "one", annotator: 2, region: 1365, x: 1, y: 0 }]);
    const truth = await readTruth(image, [0], { width: 6, height: 4 });
    expect(truth.annotations[0].labels!.data).toEqual(values);
    expect(truth.counted!.area).toBe(23);
    expect(truth.annotations[1].regions.get(1365)!.area).toBe(1);
    await expect(readTruth(image, [0], { width: 4, height: 6 })).rejects.toMatchObject({
      code: "E_BAD_FILE",
    });
  });

  it("says what is missing or malformed", async () => {
    await expect(openDatasets(path.join(await folder("empty"), "nowhere"))).rejects.toThrow(/nothing at/);
    await expect(openDatasets(await folder("empty"))).rejects.toThrow(/holds no data set/);
    const broken = await folder("broken", "images", "labels");
    await writeFile(path.join(broken, "dataset.json"), "{");
    await expect(openDatasets(broken)).rejects.toThrow(/not JSON/);
    await writeFile(path.join(broken, "dataset.json"), "{}");
    await expect(openDatasets(broken)).rejects.toThrow(/no photo/);
    await writeFile(path.join(broken, "clicks.csv"), "image,annotator,region,x,y\nnone,1,2,3,4\n");
    await expect(openDatasets(broken)).rejects.toThrow(/line 2: there is no photo “none”/);
  });
});

describe("a folder of label maps", () => {
  const labels = (...values: number[]) =>
    Uint8Array.from({ length: 80 }, (_, i) => values[Math.floor(i / (80 / values.length))]);
  const notesOf = ({ notes }: { readonly notes: readonly Note[] }) => notes.map(noteText);

  /** Photos of 10×8 pixels, and label maps. */
  async function set(
    name: string,
    maps: Record<string, Uint8Array>,
    photos = ["a"],
    [first, second] = ["images", "labels"],
  ) {
    const dir = await folder(name, first, second);
    for (const one of photos) await photo(path.join(dir, first, `${one}.png`), 10, 8);
    for (const [one, values] of Object.entries(maps))
      await grey(values, 10).toFile(path.join(dir, second, `${one}.png`));
    return dir;
  }

  it("passes hidden files over, and names those that are not read", async () => {
    const dir = await set("hidden", { a: labels(1, 2) });
    for (const file of ["images/._a.png", "labels/._a.png", ".DS_Store", "._dataset.json"]) {
      await writeFile(path.join(dir, file), "no image");
    }
    expect((await openDatasets(dir))[0]).toMatchObject({ images: [{ name: "a" }], notes: [] });
    for (const file of ["b.HEIC", "c.heic", "d.jfif", "e.bmp"]) {
      await writeFile(path.join(dir, "images", file), "");
    }
    expect(notesOf((await openDatasets(dir))[0])).toEqual([
      "left out: 2 × file ending in .heic (b.HEIC, c.heic); it is not read; convert it to PNG",
      "left out: 1 × file ending in .jfif (d.jfif); it is not read; convert it to PNG",
      "left out: 1 × file ending in .bmp (e.bmp); it is not read; convert it to PNG",
    ]);
  });

  it("tells of photos and label maps that have no partner", async () => {
    const dir = await set("partners", { a: labels(1), "b.2": labels(1), c: labels(1) }, ["a", "b", "d"]);
    const [dataset] = await openDatasets(dir);
    expect(dataset.images.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(notesOf(dataset)).toEqual([
      "left out: 1 × label map without a photo (c.png); a label map has its photo's name, or NAME.K of annotator K",
      "left out: 1 × photo without a label map (d); a label map has its photo's name",
    ]);
    await writeFile(path.join(dir, "clicks.csv"), "image,region,x,y\na,1,2,3\n");
    expect(notesOf((await openDatasets(dir))[0])[1]).toMatch(
      /1 × photo without a click in clicks\.csv \(b\)/,
    );
  });

  it("is refused where two files could be the same", async () => {
    const photos = await set("doubles", { a: labels(1) });
    await photo(path.join(photos, "images", "a.jpg"), 10, 8);
    await expect(openDatasets(photos)).rejects.toThrow(/has a\.jpg and a\.png: which of them is the photo a/);
    const maps = await set("annotators", { a: labels(1), "a.1": labels(1) });
    await expect(openDatasets(maps)).rejects.toThrow(/both the label map of annotator 1 of a/);
  });

  it("leaves void labels out of the regions and of what counts", async () => {
    const dir = await set("void", { a: labels(1, 2, 255, 0) });
    await writeJson(path.join(dir, "dataset.json"), { void_labels: [255, 2] });
    const [{ images, voidLabels }] = await openDatasets(dir);
    expect(voidLabels).toEqual([2, 255]);
    const truth = await readTruth(images[0], voidLabels, { width: 10, height: 8 });
    expect(truth.annotations[0].regions.keys()).toEqual([1]);
    expect(truth.counted!.area).toBe(40);
    expect(truth.notes).toEqual([]);
  });

  it.each<[string, number[], boolean]>([
    ["beside others", [0, 1, 2, 255], true],
    ["alone, as a single mask", [0, 0, 255, 255], false],
    ["as one of many", [0, 1, 254, 255], false],
  ])("tells of a label 255 %s", async (name, values, told) => {
    const dir = await set(`looks-${name}`, { a: labels(...values) });
    const [{ images }] = await openDatasets(dir);
    const truth = await readTruth(images[0], [], { width: 10, height: 8 });
    expect(truth.notes.map(noteText).join()).toMatch(
      told ? /label 255, which often means void.*"void_labels": \[255\]/ : /^$/,
    );
  });

  it("of Pascal VOC has its border void", async () => {
    const dir = await set(
      "voc",
      { a: labels(0, 1, 2, 255) },
      ["a", "b"],
      ["JPEGImages", "SegmentationObject"],
    );
    const [dataset] = await openDatasets(dir);
    expect(dataset).toMatchObject({ voidLabels: [255], images: [{ name: "a" }] });
    expect(notesOf(dataset)).toHaveLength(1);
    const truth = await readTruth(dataset.images[0], [255], { width: 10, height: 8 });
    expect(truth.annotations[0].regions.keys()).toEqual([1, 2]);
    expect(truth.counted!.area).toBe(60);
  });

  it("tells of a photo without any region", async () => {
    const dir = await set("plain", { a: labels(0) });
    const [{ images }] = await openDatasets(dir);
    const truth = await readTruth(images[0], [], { width: 10, height: 8 });
    expect(truth.notes.map(noteText).join()).toMatch(/left out: 1 × photo without a region \(a\)/);
  });

  it.each([
    [{ void_labels: 255 }, /void_labels is 255; it must be a list of whole numbers/],
    [{ void_labels: ["x"] }, /void_labels is \["x"\]/],
    [{ zero_label: "void" }, /zero_label is "void"; it may be "ignore"/],
    [{ name: 5 }, /name is 5; it must be text/],
    [[1], /holds no JSON object/],
  ])("is refused with a dataset.json that it does not understand: %j", async (content, reason) => {
    const dir = await set("description", { a: labels(1) });
    await writeJson(path.join(dir, "dataset.json"), content);
    await expect(openDatasets(dir)).rejects.toThrow(reason);
  });

  it("of 8 bits beside their photos has clicks drawn by the rule", async () => {
    const dir = await folder("flat");
    await grey(new Uint8Array(10 * 8).fill(9), 10).toFile(path.join(dir, "photo.png"));
    const labels = Uint8Array.from({ length: 80 }, (_, i) => (i % 10 < 5 ? 3 : i < 40 ? 200 : 0));
    await grey(labels, 10).toFile(path.join(dir, "photo.labels.png"));
    expect([...(await readLabelMap(path.join(dir, "photo.labels.png"))).data]).toEqual([...labels]);
    const [dataset] = await openDatasets(dir);
    expect(dataset).toMatchObject({ name: "flat", clicksFrom: "drawn", voidLabels: [] });
    const truth = await readTruth(dataset.images[0], [], { width: 10, height: 8 });
    // Columns 0–4: the third column is three pixels from every side; rows 2–5 are alike, the first one is taken.
    expect(drawClicks(truth, "photo", 1)).toEqual([
      { image: "photo", annotator: 1, region: 3, x: 2, y: 2 },
      { image: "photo", annotator: 1, region: 200, x: 6, y: 1 },
    ]);
  });
});

describe("a folder", () => {
  it("of another kind is called what it is", async () => {
    const cityscapes = await folder("cityscapes", "leftImg8bit", "gtFine");
    await expect(openDatasets(cityscapes)).rejects.toThrow(
      /looks like Cityscapes: copy the photos to images/,
    );
    await expect(openDatasets(await folder("masked", "images", "masks"))).rejects.toThrow(
      /rename it labels\//,
    );
    const yolo = await folder("yolo", "images", "labels");
    await photo(path.join(yolo, "images", "a.png"), 4, 4);
    await writeFile(path.join(yolo, "labels", "a.txt"), "0 .5 .5 .1 .1");
    await expect(openDatasets(yolo)).rejects.toThrow(/labels in \.txt files, which are not read/);
    const labelme = await folder("labelme");
    await photo(path.join(labelme, "a.png"), 4, 4);
    await writeJson(path.join(labelme, "a.json"), { shapes: [], imagePath: "a.png" });
    await expect(openDatasets(labelme)).rejects.toThrow(/a\.json is Labelme's JSON of one photo/);
  });

  it("of several data sets gives each a name of its own, and tells of the rest", async () => {
    const dir = await folder("export", "train", "valid", "docs");
    for (const part of ["train", "valid"]) {
      await photo(path.join(dir, part, "a.png"), 8, 8);
      await writeJson(path.join(dir, part, "_annotations.coco.json"), {
        images: [{ id: 1, file_name: "a.png", width: 8, height: 8 }],
        annotations: [{ id: 1, image_id: 1, segmentation: [[1, 1, 5, 1, 5, 5]] }],
      });
    }
    await writeFile(path.join(dir, "valid", "broken.json"), "{");
    const sets = await openDatasets(dir);
    expect(sets.map(({ name }) => name)).toEqual(["train/_annotations.coco", "valid/_annotations.coco"]);
    const texts = sets.flatMap(({ notes }) => notes).map(noteText);
    expect(texts[0]).toMatch(/left out: 1 × folder \(docs\); .*holds no data set/);
    expect(texts[1]).toMatch(/left out: 1 × JSON file \(broken\.json\); .*is not JSON/);
  });

  it("may hold several COCO files", async () => {
    const dir = await folder("two-files");
    await photo(path.join(dir, "a.png"), 8, 8);
    for (const name of ["x.json", "y.JSON"]) {
      await writeJson(path.join(dir, name), {
        images: [{ id: 1, file_name: "a.png", width: 8, height: 8 }],
        annotations: [{ id: 1, image_id: 1, segmentation: [[1, 1, 5, 1, 5, 5]] }],
      });
    }
    expect((await openDatasets(dir)).map(({ name }) => name)).toEqual(["x", "y"]);
  });

  it.skipIf(process.platform === "win32")("is not waited for where its tables are no files", async () => {
    for (const name of ["dataset.json", "clicks.csv", "a.json"]) {
      const dir = await folder(`pipe-${name}`);
      execFileSync("mkfifo", [path.join(dir, name)]);
      await expect(openDatasets(dir)).rejects.toThrow(/is not a regular file/);
      await expect(openDatasets(path.join(dir, name))).rejects.toThrow(/is not a regular file/);
    }
  });
});

const rowsOf = async (file: string) =>
  parseCsv(await readFile(file, "utf8"), file).rows.map(({ values }) => values);

describeWithShared("the evaluation sets", () => {
  it("are found together in their folder", async () => {
    const sets = await openDatasets(shared("data", "eval"));
    expect(sets.map(({ name }) => name)).toEqual(["bsds500", "camvid", "dsb2018", "em_isbi2012"]);
  });

  it.each(["bsds500", "dsb2018", "camvid", "em_isbi2012"])(
    "%s: each click is the innermost pixel of its region, as where we would draw it",
    async (name) => {
      const [dataset] = await openDatasets(shared("data", "eval", name));
      const table = await rowsOf(shared("data", "eval", name, "clicks.csv"));
      const clicked = dataset.images.filter(({ clicks }) => clicks!.length > 0);
      for (const image of clicked.filter((_, k) => k % 9 === 0)) {
        const { width = 0, height = 0 } = await sharp(image.file).metadata();
        const truth = await readTruth(image, dataset.voidLabels, { width, height });
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
    const table = await rowsOf(shared("data", "eval", "em_isbi2012", "regions.csv"));
    const [image] = dataset.images;
    const { annotations } = await readTruth(image, [], { width: 512, height: 512 });
    const rows = table.filter((row) => row.image === image.name);
    expect(rows.length).toBe(annotations[0].regions.size);
    for (const row of rows)
      expect(annotations[0].regions.get(Number(row.region))!.area).toBe(Number(row.area_px));
  });
});
