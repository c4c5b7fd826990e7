import path from "node:path";
import { Mask } from "@unsam/core/mask";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { Dataset } from "#evaluation/datasets/dataset.js";
import { noteText } from "#evaluation/datasets/notes.js";
import { openDatasets } from "#evaluation/datasets/open-datasets.js";
import { readPhoto } from "#evaluation/datasets/read-photo.js";
import { readTruth } from "#evaluation/datasets/read-truth.js";
import { photo, scratch, writeJson } from "./files.js";

const folder = scratch();
let made = 0;

const SQUARE = [[2, 2, 6, 2, 6, 5, 2, 5]];
const IMAGE = { id: 1, file_name: "a.png", width: 12, height: 9 };
const ANNOTATION = { id: 1, image_id: 1, category_id: 1, iscrowd: 0, segmentation: SQUARE };

/** A COCO file beside a photo a.png of 12×9. */
async function coco(content: Record<string, unknown>, ...parts: string[]): Promise<string> {
  const dir = await folder(`coco${made++}`, ...parts);
  for (const part of ["", ...parts]) await photo(path.join(dir, part, "a.png"), 12, 9);
  return writeJson(path.join(dir, "r.json"), {
    images: [IMAGE],
    annotations: [ANNOTATION],
    categories: [{ id: 1, name: "x" }],
    ...content,
  });
}

async function open(content: Record<string, unknown>, ...parts: string[]): Promise<Dataset> {
  const [dataset] = await openDatasets(await coco(content, ...parts));
  return dataset;
}

const notesOf = (dataset: Dataset) => dataset.notes.map(noteText).join("\n");
const truthOf = async ({ images: [image], voidLabels }: Dataset) =>
  readTruth(image, voidLabels, (await readPhoto(image)).photo);
const regionsOf = async (dataset: Dataset) => (await truthOf(dataset)).annotations[0].regions;

describe("a COCO JSON", () => {
  it("gives polygons and run lengths as regions", async () => {
    const dir = await folder("parts", "annotations", "val");
    await photo(path.join(dir, "val", "a.png"), 10, 6);
    const mask = Mask.fromBytes(
      10,
      6,
      Array.from({ length: 60 }, (_, i) => (i % 10 > 6 ? 1 : 0)),
    );
    const annotations = [
      { id: 11, image_id: 5, segmentation: [[1, 1, 5, 1, 5, 4, 1, 4]] },
      { id: 12, image_id: 5, segmentation: mask.toRLE(), iscrowd: 0 },
      { id: 14, image_id: 5, segmentation: mask.toRLE({ compressed: false }), iscrowd: false },
    ];
    const images = [
      { id: 5, file_name: "a.png", width: 10, height: 6 },
      { id: 6, file_name: "without.png", width: 10, height: 6 },
    ];
    const licenses = [{ name: "CC BY" }];
    const file = await writeJson(path.join(dir, "annotations", "things_val.json"), {
      images,
      annotations,
      licenses,
    });
    for (const where of [file, path.join(dir, "annotations")]) {
      const [dataset] = await openDatasets(where);
      expect(dataset).toMatchObject({ name: "things_val", licence: "CC BY", clicksFrom: "drawn" });
      expect(dataset.images.map(({ name }) => name)).toEqual(["a"]);
      expect(dataset.images[0].file).toBe(path.join(dir, "val", "a.png"));
      const regions = await regionsOf(dataset);
      expect(regions.keys()).toEqual([11, 12, 14]);
      expect(regions.get(11)!.area).toBe(12);
      expect(regions.get(12)!.equals(mask)).toBe(true);
      expect(regions.get(14)!.equals(mask)).toBe(true);
      expect(notesOf(dataset)).toBe(
        "left out: 1 × photo without a region (without.png); there is nothing to score on it",
      );
    }
  });

  it.each([
    ["[1, 2]", [1, 2], /no COCO JSON: it has no list images and no list annotations/],
    ["no images", { annotations: [] }, /it has no list images/],
    ["images that are no list", { images: {}, annotations: [] }, /it has no list images/],
    ["an image without id", { images: [{ file_name: "a" }], annotations: [] }, /images\[0\] has no id/],
    ["an image without name", { images: [{ id: 1 }], annotations: [] }, /images\[0\] has no file_name/],
    ["null", null, /no COCO JSON/],
    [
      "two images of one id",
      { images: [IMAGE, { ...IMAGE, file_name: "b.png" }], annotations: [] },
      /images\[1\] has the id 1 of another image \(a\.png\)/,
    ],
    [
      "ids that are rounded",
      { images: [{ ...IMAGE, id: 2 ** 53 + 2 }], annotations: [] },
      /beyond 9007199254740991/,
    ],
    [
      "the panoptic format",
      { images: [IMAGE], annotations: [{ image_id: 1, segments_info: [] }] },
      /COCO's panoptic format.*panoptic2detection/,
    ],
    ["results", [{ image_id: 1, segmentation: {}, score: 1 }], /a list of COCO results/],
    ["Labelme's format", { shapes: [], imagePath: "a.png" }, /Labelme's JSON of one photo/],
    ["VIA's format", { "a.png12": { filename: "a.png", regions: [] } }, /VGG Image Annotator/],
  ])("is refused with what it is: %s", async (_, content, reason) => {
    const file = await writeJson(path.join(await folder(`none${made++}`), "x.json"), content);
    await expect(openDatasets(file)).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(reason),
    });
    // In a folder too.
    if (content && !Array.isArray(content) && !("annotations" in content)) {
      await expect(openDatasets(path.dirname(file))).rejects.toThrow(reason);
    }
  });

  it("may begin with a byte order mark", async () => {
    const file = await coco({});
    const { readFile, writeFile } = await import("node:fs/promises");
    await writeFile(file, `\ufeff${await readFile(file, "utf8")}`);
    expect((await openDatasets(path.dirname(file)))[0].images).toHaveLength(1);
  });
});

describe("annotations of a COCO JSON", () => {
  it("of one id, or of ids that are no numbers, are all kept, numbered by their places", async () => {
    for (const ids of [
      [4, 4],
      ["x", "y"],
      [undefined, 1],
      [1.5, 2],
    ]) {
      const dataset = await open({ annotations: ids.map((id) => ({ ...ANNOTATION, id })) });
      expect((await regionsOf(dataset)).keys()).toEqual([1, 2]);
      expect(notesOf(dataset)).toMatch(/adapted: 1 × annotation id that (occurs twice|is no whole number)/);
    }
  });

  it("find their image by ids of any kind", async () => {
    for (const [id, image_id] of [
      ["7", 7],
      [7, "7"],
      ["7", "7"],
      [-3, -3],
      [0, 0],
      [9007199254740991, 9007199254740991],
      ["12345678901234567890", "12345678901234567890"],
    ]) {
      const dataset = await open({ images: [{ ...IMAGE, id }], annotations: [{ ...ANNOTATION, image_id }] });
      expect([...(await regionsOf(dataset)).keys()]).toEqual([1]);
      expect(dataset.notes).toEqual([]);
    }
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["iscrowd 1", { iscrowd: 1 }, /annotation marked iscrowd/],
    ["iscrowd true", { iscrowd: true }, /annotation marked iscrowd/],
    ['iscrowd "1"', { iscrowd: "1" }, /annotation marked iscrowd/],
    ["no image", { image_id: undefined }, /without an image_id/],
    ["an image that is not listed", { image_id: 9 }, /of an image that is not listed/],
    ["no segmentation", { segmentation: undefined }, /without a segmentation/],
    ["segmentation null", { segmentation: null }, /without a segmentation/],
    ["segmentation []", { segmentation: [] }, /without a segmentation/],
    ["an empty ring", { segmentation: [[]] }, /without a ring of 3 points/],
    ["two points", { segmentation: [[1, 1, 5, 5]] }, /ring of fewer than 3 points/],
    ["odd numbers", { segmentation: [[1, 1, 5, 5, 2, 7, 3]] }, /ring with an odd number of coordinates/],
    ["a null", { segmentation: [[1, 1, 5, null, 2, 7]] }, /ring with a coordinate that is no number/],
    ["text", { segmentation: [[1, 1, 5, "4", 2, 7]] }, /ring with a coordinate that is no number/],
    ["a coordinate beyond all photos", { segmentation: [[1, 1, 5, 1e9, 2, 7]] }, /beyond 100000000/],
    ["something else", { segmentation: { points: [] } }, /neither polygons nor run lengths/],
    ["a word", { segmentation: "abc" }, /neither polygons nor run lengths/],
  ])("are left out and counted: %s", async (_, change, reason) => {
    const dataset = await open({ annotations: [ANNOTATION, { ...ANNOTATION, id: 2, ...change }] });
    expect((await regionsOf(dataset)).keys()).toEqual([1]);
    expect(dataset.notes.every(({ kind }) => kind === "left-out")).toBe(true);
    expect(notesOf(dataset)).toMatch(reason);
    expect(notesOf(dataset)).toMatch(/annotation 2/);
  });

  it("are left out where they are no object", async () => {
    const dataset = await open({ annotations: [ANNOTATION, null, 5, "x"] });
    expect(notesOf(dataset)).toMatch(/3 × annotation without an image_id/);
  });

  it("lose a ring that is none, and keep the others", async () => {
    const dataset = await open({ annotations: [{ ...ANNOTATION, segmentation: [...SQUARE, [1, 1, 2, 2]] }] });
    expect((await regionsOf(dataset)).get(1)!.area).toBe(12);
    expect(notesOf(dataset)).toMatch(/1 × ring of fewer than 3 points \(annotation 1\)/);
  });

  it("are told of where they cover no pixel", async () => {
    const outside = { ...ANNOTATION, id: 2, segmentation: [[20, 20, 30, 20, 30, 30]] };
    const dataset = await open({ annotations: [ANNOTATION, outside] });
    const truth = await truthOf(dataset);
    expect(truth.annotations[0].regions.keys()).toEqual([1]);
    expect(truth.notes.map(noteText)).toEqual([
      "left out: 1 × region without a pixel (annotation 2); it is too small, or lies outside the photo",
    ]);
  });

  it("may be one flat list", async () => {
    const dataset = await open({ annotations: [{ ...ANNOTATION, segmentation: SQUARE[0] }] });
    expect((await regionsOf(dataset)).get(1)!.area).toBe(12);
    expect(notesOf(dataset)).toMatch(/adapted: 1 × segmentation that is one flat list/);
  });

  it.each([
    [
      "a swapped size",
      { size: [12, 9], counts: [108] },
      /size \[12,9\], but its photo is 12×9 \(COCO's size/,
    ],
    ["another size", { size: [90000, 120000], counts: [1.08e10] }, /but its photo is 12×9\./],
    ["no size", { size: null, counts: [108] }, /size \[null\]/],
    ["too few pixels", { size: [9, 12], counts: [3, 4] }, /annotation 1: The runs of an RLE cover 7/],
    ["negative runs", { size: [9, 12], counts: [-1, 109] }, /annotation 1: .*run length -1/],
    ["letters", { size: [9, 12], counts: "~~" }, /annotation 1: .*impossible character/],
  ])("fail with their image by name where run lengths have %s", async (_, segmentation, reason) => {
    const dataset = await open({ annotations: [{ ...ANNOTATION, segmentation }] });
    await expect(truthOf(dataset)).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(reason),
    });
  });
});

describe("photos of a COCO JSON", () => {
  const named = (file_name: string) => ({ images: [{ ...IMAGE, file_name }] });

  it.each([
    ["in a folder", "deep/a.png", "deep/a.png"],
    ["with backslashes", "deep\\a.png", "deep/a.png"],
    ["with letters escaped", "de%65p%2Fa.png", "deep/a.png"],
    ["with dots", "./deep/../deep/a.png", "deep/a.png"],
  ])("are found by names %s", async (_, name, found) => {
    const dataset = await open(named(name), "deep");
    expect(path.relative(path.dirname(dataset.path), dataset.images[0].file)).toBe(path.normalize(found));
  });

  it.each([
    ["../a.png", /leads out of the data set's folder/],
    ["x/../../a.png", /leads out/],
    ["..\\..\\a.png", /leads out/],
    ["..", /leads out/],
    ["/etc/passwd", /is an absolute path/],
    ["C:\\photos\\a.png", /is an absolute path/],
    ["c:a.png", /is an absolute path/],
    ["\\\\server\\a.png", /is an absolute path/],
    ["https://example.org/a.png", /is an address, and nothing is fetched/],
    ["file:///a.png", /is an address/],
  ])("are refused where the name leads elsewhere: %s", async (name, reason) => {
    await expect(open(named(name))).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(reason),
    });
  });

  it("do not follow escaped letters out of the folder", async () => {
    const dataset = await open(named("%2e%2e/a.png"));
    expect(dataset.images[0].file).toBe(path.join(path.dirname(dataset.path), "%2e%2e", "a.png"));
  });

  it("keep names of their own", async () => {
    const files = ["x/a.png", "y/a.png", "b.png", "b.jpg", "c.png", "c.png"];
    const images = files.map((file_name, k) => ({ ...IMAGE, id: k + 1, file_name }));
    const annotations = images.map(({ id }) => ({ ...ANNOTATION, id, image_id: id }));
    const dataset = await open({ images, annotations });
    expect(dataset.images.map(({ name }) => name)).toEqual([
      "b.jpg",
      "b.png",
      "c.png (id 5)",
      "c.png (id 6)",
      "x/a",
      "y/a",
    ]);
  });

  it("that are listed twice are scored once", async () => {
    const dataset = await open({ images: [IMAGE, IMAGE] });
    expect(dataset.images).toHaveLength(1);
    expect(notesOf(dataset)).toMatch(/left out: 1 × image listed twice \(a\.png\)/);
  });
});

describe("sizes in a COCO JSON", () => {
  const sized = async (size: object, segmentation: unknown = SQUARE) =>
    open({ images: [{ ...IMAGE, ...size }], annotations: [{ ...ANNOTATION, segmentation }] });

  it("of another resolution scale the regions", async () => {
    const big = { width: 24, height: 18 };
    const doubled = SQUARE.map((ring) => ring.map((side) => 2 * side));
    const plain = (await regionsOf(await sized({}))).get(1)!;
    const dataset = await sized(big, doubled);
    expect((await regionsOf(dataset)).get(1)!.equals(plain)).toBe(true);
    expect((await truthOf(dataset)).notes.map(noteText)).toEqual([
      "adapted: 1 × photo of another resolution than its annotations (a); regions are scaled to it",
    ]);
    const runs = Mask.fromBytes(
      24,
      18,
      Array.from({ length: 24 * 18 }, (_, i) => (plain.has((i % 24) / 2, Math.floor(i / 24) / 2) ? 1 : 0)),
    );
    expect((await regionsOf(await sized(big, runs.toRLE()))).get(1)!.equals(plain)).toBe(true);
  });

  it("of another shape are refused by name", async () => {
    await expect(truthOf(await sized({ width: 9, height: 12 }))).rejects.toThrow(
      /a\.png” is 12×9, but its annotations are for 9×12/,
    );
    await expect(truthOf(await sized({ width: 24, height: 9 }))).rejects.toThrow(/are for 24×9/);
  });

  it.each([{ width: undefined }, { width: null }, { width: 0 }, { height: -9 }, { width: "wide" }])(
    "that are missing are told of: %j",
    async (size) => {
      const dataset = await sized(size);
      expect((await regionsOf(dataset)).get(1)!.area).toBe(12);
      expect(notesOf(dataset)).toMatch(/looks wrong: 1 × image without width and height/);
    },
  );
});

describe("photos that EXIF asks to turn", () => {
  /** A dark photo, white where x < 4 and y < 3 as stored. */
  async function turned(orientation: number, stated: object | null, [width, height] = [12, 9]) {
    const dir = await folder(`exif${made++}`);
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return pixel % width < 4 && Math.floor(pixel / width) < 3 ? 255 : 0;
    });
    await sharp(data, { raw: { width, height, channels: 3 } })
      .withMetadata({ orientation })
      .png()
      .toFile(path.join(dir, "a.png"));
    const image = { id: 1, file_name: "a.png", ...stated };
    const file = await writeJson(path.join(dir, "r.json"), { images: [image], annotations: [ANNOTATION] });
    return (await openDatasets(file))[0].images[0];
  }
  const white = async (image: Dataset["images"][number]) => {
    const { photo, notes } = await readPhoto(image);
    const lit = Array.from({ length: photo.width * photo.height }, (_, i) => i).filter(
      (i) => photo.data[3 * i] > 128,
    );
    return {
      size: [photo.width, photo.height],
      first: [lit[0] % photo.width, Math.floor(lit[0] / photo.width)],
      notes,
    };
  };

  it.each([5, 6, 7, 8])("are as the annotations' size says: orientation %i", async (orientation) => {
    const stored = await white(await turned(orientation, { width: 12, height: 9 }));
    expect(stored).toMatchObject({ size: [12, 9], first: [0, 0] });
    expect(stored.notes.map(noteText)).toEqual([
      "adapted: 1 × photo that EXIF asks to turn (a); annotations of its size refer to the pixels as they are stored",
    ]);
    const upright = await white(await turned(orientation, { width: 9, height: 12 }));
    const corner = { 5: [0, 0], 6: [6, 0], 7: [6, 8], 8: [0, 8] }[orientation];
    expect(upright).toMatchObject({ size: [9, 12], first: corner, notes: [] });
  });

  it("in another resolution are told by their shape", async () => {
    expect(await white(await turned(6, { width: 48, height: 36 }))).toMatchObject({ size: [12, 9] });
    expect(await white(await turned(6, { width: 36, height: 48 }))).toMatchObject({ size: [9, 12] });
  });

  it("are told by one pixel where that is all", async () => {
    expect(await white(await turned(6, { width: 10, height: 9 }, [10, 9]))).toMatchObject({ size: [10, 9] });
    expect(await white(await turned(6, { width: 9, height: 10 }, [10, 9]))).toMatchObject({ size: [9, 10] });
  });

  it.each([
    [2, { width: 12, height: 9 }],
    [3, { width: 12, height: 9 }],
    [4, { width: 12, height: 9 }],
    [6, null],
    [6, { width: 50, height: 9 }],
  ])("are refused where their size tells nothing: orientation %i, %j", async (orientation, stated) => {
    await expect(white(await turned(orientation, stated))).rejects.toThrow(
      new RegExp(`EXIF orientation ${orientation}.*save it upright`),
    );
  });

  it("are refused where they are square", async () => {
    await expect(white(await turned(6, { width: 9, height: 9 }, [9, 9]))).rejects.toThrow(/save it upright/);
  });
});
