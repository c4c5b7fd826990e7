import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Mask } from "@unsam/core/mask";
import { openBenchmarks } from "@unsam/evaluation";
import { describe, expect, it } from "vitest";
import { drawObjects, everyObject } from "#evaluation/datasets/benchmarks/draw-objects.js";
import type { DatasetImage } from "#evaluation/datasets/dataset.js";
import { noteText } from "#evaluation/datasets/notes.js";
import { readPhoto } from "#evaluation/datasets/read-photo.js";
import { readTruth } from "#evaluation/datasets/read-truth.js";
import { grey, photo, scratch, writeJson } from "../datasets/files.js";
import { greyBmp } from "./bmp-files.js";
import { MAT_COMPRESSED, MAT_PARTS } from "./mat-files.js";

const folder = scratch();
const SIZE = { width: 5, height: 4 };
/** A mask of GrabCut: 255 the object, 128 not decided, 64 background. */
const TRIMAP = Uint8Array.of(0, 0, 255, 255, 128, 0, 64, 255, 255, 128, ...new Array(10).fill(0));

const truthOf = async (image: DatasetImage) => readTruth(image, [], (await readPhoto(image)).photo);
const areas = (truth: Awaited<ReturnType<typeof truthOf>>) =>
  [...everyObject(truth)].map(({ mask }) => mask.area);

describe("a folder laid out as", () => {
  it("GrabCut is read with its BMP files and what is not decided", async () => {
    const dir = await folder("GrabCut", "data_GT", "boundary_GT");
    await photo(path.join(dir, "data_GT", "one.jpg"), 5, 4);
    await writeFile(path.join(dir, "data_GT", "two.bmp"), greyBmp(new Uint8Array(20).fill(90), 5));
    await photo(path.join(dir, "data_GT", "three.png"), 5, 4);
    for (const name of ["one", "two", "four"]) {
      await writeFile(path.join(dir, "boundary_GT", `${name}.bmp`), greyBmp(TRIMAP, 5));
    }
    const [{ layout, dataset, everyRegion, wholeImage }] = await openBenchmarks([dir]);
    expect([layout, everyRegion, wholeImage]).toEqual(["grabcut", true, false]);
    expect(dataset.images.map(({ name }) => name)).toEqual(["one", "two"]);
    expect(dataset.notes.map(noteText)).toEqual([
      expect.stringMatching(/left out: 1 × photo without a mask \(three\)/),
      expect.stringMatching(/left out: 1 × mask without a photo \(four\)/),
    ]);
    for (const image of dataset.images) {
      const truth = await truthOf(image);
      expect(areas(truth)).toEqual([4]);
      expect(truth.counted!.area).toBe(18);
    }
  });

  it("Berkeley, and a mask of another size fails with its photo", async () => {
    const dir = await folder("Berkeley", "images", "masks");
    await photo(path.join(dir, "images", "one.jpg"), 5, 4);
    await photo(path.join(dir, "images", "two.jpg"), 6, 4);
    for (const name of ["one", "two"]) await grey(TRIMAP, 5).toFile(path.join(dir, "masks", `${name}.png`));
    const [{ layout, dataset }] = await openBenchmarks([dir]);
    expect(layout).toBe("berkeley");
    expect(areas(await truthOf(dataset.images[0]))).toEqual([4]);
    await expect(truthOf(dataset.images[1])).rejects.toThrow(/5×4, but its photo is 6×4/);
    await writeFile(path.join(dir, "masks", "one.png"), "no picture");
    await expect(truthOf(dataset.images[0])).rejects.toMatchObject({ code: "E_BAD_FILE" });
  });

  it.each([
    ["frames", ["img", "gt"], "bear-1"],
    ["videos", ["JPEGImages/480p/bear", "Annotations/480p/bear"], "bear/bear-1"],
  ])("DAVIS as %s: what is not black is the object", async (kind, parts, name) => {
    const dir = await folder(`DAVIS-${kind}`, ...parts);
    await photo(path.join(dir, parts[0], "bear-1.jpg"), 5, 4);
    const two = Uint8Array.of(1, 2, ...new Array(18).fill(0));
    await grey(two, 5).toFile(path.join(dir, parts[1], "bear-1.png"));
    const [{ layout, dataset }] = await openBenchmarks([dir]);
    expect([layout, dataset.images.map((image) => image.name)]).toEqual(["davis", [name]]);
    const truth = await truthOf(dataset.images[0]);
    expect([areas(truth), truth.counted]).toEqual([[2], null]);
  });

  it("SBD is read by its list, each instance an object", async () => {
    const dir = await folder("SBD", "img", "inst");
    for (const name of ["one", "two", "three"]) await photo(path.join(dir, "img", `${name}.jpg`), 5, 4);
    await writeFile(path.join(dir, "inst", "one.mat"), MAT_COMPRESSED);
    await grey(Uint8Array.of(7, 7, 7, ...new Array(17).fill(0)), 5).toFile(path.join(dir, "inst", "two.png"));
    await writeFile(path.join(dir, "val.txt"), "one\r\ntwo\n../one\n\n");
    const [{ layout, dataset }] = await openBenchmarks([dir]);
    expect([layout, dataset.images.map(({ name }) => name)]).toEqual(["sbd", ["one", "two"]]);
    expect(dataset.notes.map(noteText)).toEqual([
      expect.stringMatching(/1 × listed name without a photo \(\.\.\/one\)/),
    ]);
    expect(areas(await truthOf(dataset.images[0]))).toEqual([4, 3, 5]);
    expect(areas(await truthOf(dataset.images[1]))).toEqual([3]);
    await writeFile(path.join(dir, "inst", "one.mat"), MAT_COMPRESSED.subarray(0, 300));
    await expect(truthOf(dataset.images[0])).rejects.toThrow(/MAT-file .* cannot be read/);
    await rm(path.join(dir, "val.txt"));
    await expect(openBenchmarks([dir])).rejects.toThrow(/val\.txt/);
  });

  it("Pascal-Part, part by part; a photo of another size fails", async () => {
    const dir = await folder("PascalPart", "JPEGImages", "Annotations_Part", "ImageSets/Main");
    await photo(path.join(dir, "JPEGImages", "2008_1.jpg"), 5, 4);
    await photo(path.join(dir, "JPEGImages", "2008_2.jpg"), 4, 5);
    for (const name of ["2008_1", "2008_2"]) {
      await writeFile(path.join(dir, "Annotations_Part", `${name}.mat`), MAT_PARTS);
    }
    await writeFile(path.join(dir, "ImageSets/Main/val.txt"), "2008_1\n2008_2\n");
    const [{ layout, dataset, wholeImage }] = await openBenchmarks([dir]);
    expect([layout, wholeImage]).toEqual(["pascal-part", false]);
    const truth = await truthOf(dataset.images[0]);
    expect(areas(truth)).toEqual([2, 1, 3]);
    expect(truth.notes.map(noteText)).toEqual([expect.stringMatching(/1 × part without a pixel/)]);
    await expect(truthOf(dataset.images[1])).rejects.toThrow(/it is 5×4, but its photo is 4×5/);
  });

  it("PartImageNet, part by part", async () => {
    const dir = await folder("PartImageNet", "images/val", "annotations/val");
    await photo(path.join(dir, "images/val", "n01_1.JPEG"), 5, 4);
    const parts = Uint8Array.of(0, 1, 1, 2, ...new Array(16).fill(40));
    await grey(parts, 5).toFile(path.join(dir, "annotations/val", "n01_1.png"));
    const [{ layout, dataset, wholeImage }] = await openBenchmarks([dir]);
    expect([layout, wholeImage]).toEqual(["part-imagenet", true]);
    expect(areas(await truthOf(dataset.images[0]))).toEqual([2, 1, 16]);
  });

  it.each([
    ["in one folder", ["", ""]],
    ["in two", ["images", "annotations"]],
  ])("SA-1B, %s; a JSON that is broken fails with its photo", async (how, [photos, jsons]) => {
    const dir = await folder(`sa1b ${how}`, photos, jsons);
    const rle = (bytes: readonly number[]) => Mask.fromBytes(5, 4, bytes).toRLE();
    const left = rle([1, 1, 0, 0, 0, 1, 1, 0, 0, 0, ...new Array(10).fill(0)]);
    const right = rle([0, 0, 0, 1, 1, ...new Array(15).fill(0)]);
    const content = {
      image: { image_id: 1, ...SIZE, file_name: "sa_1.jpg" },
      annotations: [left, right, left].map((segmentation, k) => ({ id: 10 + k, segmentation })),
    };
    for (const k of [1, 2, 3, 4]) await photo(path.join(dir, photos, `sa_${k}.jpg`), 5, 4);
    await writeJson(path.join(dir, jsons, "sa_1.json"), content);
    await writeFile(path.join(dir, jsons, "sa_2.json"), "{");
    await writeJson(path.join(dir, jsons, "sa_3.json"), { image: { width: 9, height: 4 }, annotations: [] });
    await writeJson(path.join(dir, jsons, "sa_4.json"), [1]);
    const [{ layout, dataset, everyRegion }] = await openBenchmarks([dir]);
    expect([layout, everyRegion, dataset.images.length]).toEqual(["sa-1b", false, 4]);
    const truth = await truthOf(dataset.images[0]);
    expect(areas(truth)).toEqual([4, 2, 4]);
    for (const seed of [1, 2, 3, 4, 5]) {
      const drawn = drawObjects(truth, "sa_1", seed);
      // 10 and 12 are one region: of them one at most.
      expect(drawn.length).toBeLessThanOrEqual(2);
      expect(drawn.filter(({ region }) => region !== 11).length).toBeLessThanOrEqual(1);
      expect(drawObjects(truth, "sa_1", seed)).toEqual(drawn);
    }
    await expect(truthOf(dataset.images[1])).rejects.toThrow(/not JSON/);
    await expect(truthOf(dataset.images[2])).rejects.toThrow(/9×4, but its photo is 5×4/);
    await expect(truthOf(dataset.images[3])).rejects.toThrow(/no JSON of SA-1B/);
  });
});

describe("a folder of benchmarks", () => {
  it("is opened with what else lies there, and what cannot be read is noted", async () => {
    const dir = await folder("benchmarks", "GrabCut/data_GT", "GrabCut/boundary_GT", "ptin", "notes");
    await photo(path.join(dir, "GrabCut/data_GT/one.jpg"), 5, 4);
    await grey(TRIMAP, 5).toFile(path.join(dir, "GrabCut/boundary_GT/one.png"));
    await photo(path.join(dir, "ptin/a.jpg"), 5, 4);
    await writeJson(path.join(dir, "ptin/val.json"), {
      images: [{ id: 1, file_name: "a.jpg", ...SIZE }],
      annotations: [{ id: 1, image_id: 1, iscrowd: 0, segmentation: [[0, 0, 3, 0, 3, 3, 0, 3]] }],
    });
    const opened = await openBenchmarks([dir]);
    expect(opened.map(({ layout, dataset }) => [layout, dataset.name])).toEqual([
      ["grabcut", "GrabCut"],
      ["other", "val"],
    ]);
    expect(opened[0].dataset.notes.map(noteText)).toEqual([expect.stringMatching(/1 × folder \(notes\)/)]);
  });

  it("says what is missing where nothing fits", async () => {
    const dir = await folder("empty-grabcut", "data_GT", "boundary_GT");
    await mkdir(path.join(dir, "data_GT"), { recursive: true });
    await grey(TRIMAP, 5).toFile(path.join(dir, "boundary_GT", "one.png"));
    await expect(openBenchmarks([dir])).rejects.toThrow(
      /laid out as grabcut, but no photo of data_GT has a file/,
    );
    await expect(openBenchmarks([path.join(dir, "nowhere")])).rejects.toThrow(/nothing at/);
    await expect(openBenchmarks([await folder("nothing")])).rejects.toThrow(/holds no data set/);
  });
});
