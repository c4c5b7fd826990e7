import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  ANNOTATION_FORMAT_NAMES,
  Mask,
  readAnnotations,
  type SceneHierarchy,
  UnSAM,
  UnSAMError,
  writeAnnotations,
} from "@unsam/sdk";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { photo } from "../scene/scenes.js";

let folder: string;
let scene: SceneHierarchy;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-annotations-"));
  await using unsam = await UnSAM.load({ model: "region-tree" });
  await using image = await unsam.encode(photo);
  scene = await image.everything();
  await writeFile(path.join(folder, "photo.jpg"), await sharp(photo).jpeg().toBuffer());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ENDS = [".coco.json", ".labelme.json", ".yolo.txt", ".cvat.xml", ".labelstudio.json", ".geojson"];

describe("a scene", () => {
  it.each(ENDS)("exported to %s comes back with the same masks", async (end) => {
    const file = path.join(folder, `photo${end}`);
    const { lost, files } = await scene.export(file, { fileName: "photo.jpg" });
    expect(files).toEqual([file]);
    const { images } = await readAnnotations(file);
    expect(images.map(({ fileName, width, height }) => [fileName, width, height])).toEqual([
      ["photo.jpg", scene.width, scene.height],
    ]);
    const [{ regions }] = images;
    expect(regions.length).toBe(scene.masks.length);
    for (const [k, { mask, granularity, parent }] of regions.entries()) {
      expect(mask.equals(scene.masks[k].mask)).toBe(true);
      if (!lost.some((line) => line.includes("granularity")))
        expect(granularity).toBe(scene.masks[k].granularity);
      if (!lost.some((line) => line.includes("parent")))
        expect(parent).toBe(scene.masks[k].parent?.id ?? null);
    }
  });

  it("saved by itself is read as annotations, with its forest", async () => {
    const file = path.join(folder, "saved.json");
    await scene.save(file);
    const { format, images } = await readAnnotations(file);
    expect(format).toBe("scene");
    expect(images[0].regions.map(({ parent, score }) => [parent, score])).toEqual(
      scene.masks.map(({ parent, score }) => [parent?.id ?? null, score]),
    );
  });

  it("simplified has masks near its own, of fewer corners", async () => {
    const file = path.join(folder, "simple.geojson");
    const { lost } = await scene.export(file, { simplify: 1.5 });
    expect(lost.join()).toMatch(/outlines below 1.5 pixels/);
    const { images } = await readAnnotations(file);
    const corners = (text: string) => text.split("[").length;
    const exact = path.join(folder, "exact.geojson");
    await scene.export(exact);
    expect(corners(await readFile(file, "utf8"))).toBeLessThan(corners(await readFile(exact, "utf8")) / 2);
    for (const [k, region] of images[0].regions.entries()) {
      if (scene.masks[k].area > 2000) expect(region.mask.iou(scene.masks[k].mask)).toBeGreaterThan(0.8);
    }
  });

  it("is refused under a name that tells no format, with options that are none, and after an abort", async () => {
    await expect(scene.export(path.join(folder, "x.pdf"))).rejects.toThrow(/names no format by its end/);
    await expect(scene.export(path.join(folder, "x.geojson"), { simplify: -1 })).rejects.toThrow(
      /simplify is -1/,
    );
    await expect(scene.export(path.join(folder, "x.geojson"), { epsg: 25832 })).rejects.toThrow(
      /no georeference/,
    );
    const away = scene.export(path.join(folder, "x.geojson"), {
      georeference: path.join(folder, "photo.jpg"),
    });
    await expect(away).rejects.toThrow(/neither a world file/);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(scene.export(path.join(folder, "x.geojson"), { signal })).rejects.toThrow("enough");
    expect((await readdir(folder)).filter((name) => name.startsWith("x.") || name.startsWith("."))).toEqual(
      [],
    );
  });
});

describe("annotations of several photos", () => {
  const mask = (bits: string) => Mask.fromBytes(4, 2, [...bits].map(Number));
  const images = ["a", "b"].map((name, k) => ({
    fileName: `photos/${name}.jpg`,
    width: 4,
    height: 2,
    regions: [
      { label: "cat", mask: mask("11001100") },
      { label: k === 0 ? "dog" : "cow", mask: mask("00010011"), score: 0.5, parent: null },
    ],
  }));

  it.each(ANNOTATION_FORMAT_NAMES)("go into one %s file or a folder, and come back", async (format) => {
    const many = ["coco", "cvat", "labelstudio"].includes(format);
    const where = path.join(folder, many ? `many-${format}.x` : `many-${format}`);
    const { files } = await writeAnnotations(where, images, { format });
    if (format === "yolo") {
      await mkdir(path.join(where, "images"));
      const white = { width: 4, height: 2, channels: 3, background: "white" } as const;
      for (const name of ["a", "b"]) {
        await sharp({ create: white })
          .png()
          .toFile(path.join(where, "images", `${name}.png`));
      }
      expect(await readFile(path.join(where, "classes.txt"), "utf8")).toBe("cat\ndog\ncow\n");
    }
    expect(files.length).toBe(many ? 1 : format === "yolo" ? 4 : 2);
    const back = await readAnnotations(where, many ? { format } : {});
    expect(back.images.map(({ regions }) => regions.map(({ label }) => label))).toEqual([
      ["cat", "dog"],
      ["cat", "cow"],
    ]);
    for (const { regions } of back.images) {
      expect(regions[0].mask.equals(mask("11001100"))).toBe(true);
      expect(regions[1].mask.equals(mask("00010011"))).toBe(true);
    }
  });

  it("keep the numbers of classes that are there", async () => {
    const where = path.join(folder, "numbered");
    await mkdir(where);
    await writeFile(path.join(where, "classes.txt"), "bird\ncow\n");
    await writeAnnotations(where, images, { format: "yolo" });
    expect(await readFile(path.join(where, "classes.txt"), "utf8")).toBe("bird\ncow\ncat\ndog\n");
    expect((await readFile(path.join(where, "labels", "b.txt"), "utf8")).match(/^\d+/gm)).toEqual(["2", "1"]);
  });

  it.each([
    ["names: [cat, 'dog']", ["dog"]],
    ["path: .\nnames:\n  - cat\n  - dog\n", ["dog"]],
    ['nc: 2\nnames:\n  0: cat\n  1: "dog"\n', ["dog"]],
    ["nc: 2\n", ["1"]],
  ])("have the names of classes of a data.yaml (%j)", async (yaml, labels) => {
    const where = await mkdtemp(path.join(folder, "yaml-"));
    await writeFile(path.join(where, "data.yaml"), yaml);
    await writeFile(path.join(where, "photo.txt"), "1 0 0 1 0 1 1\n");
    const { images } = await readAnnotations(path.join(where, "photo.txt"), { photos: folder });
    expect(images[0].regions.map(({ label }) => label)).toEqual(labels);
  });

  it("are refused where two would share a file, where a mask has another size or is missing", async () => {
    const twice = [images[0], { ...images[1], fileName: "other/a.png" }];
    await expect(writeAnnotations(path.join(folder, "twice"), twice, { format: "labelme" })).rejects.toThrow(
      /would share the file a\.json/,
    );
    const wrong = [{ ...images[0], width: 5 }];
    await expect(writeAnnotations(path.join(folder, "w.coco.json"), wrong)).rejects.toThrow(
      /4×2 pixels, but its image is 5×2/,
    );
    const none = [{ ...images[0], regions: [{}] }];
    await expect(writeAnnotations(path.join(folder, "w.coco.json"), none)).rejects.toThrow(
      /neither a mask nor polygons/,
    );
  });

  it.each([
    [{ label: 7 }, /label is 7; it must be a text/],
    [{ score: Number.NaN }, /score is NaN/],
    [{ parent: 5 }, /parent is 5; it is the index of a region/],
    [{ polygons: [{ outer: [[0, 0]], holes: [] }] }, /a polygon is \{ outer, holes \}/],
    [
      {
        polygons: [
          {
            outer: [
              [0, 0],
              [1, Number.NaN],
              [1, 1],
            ],
            holes: [],
          },
        ],
      },
      /a polygon is/,
    ],
  ])("are refused with %j in a region", async (more, message) => {
    const regions = [{ ...images[0].regions[0], ...more }] as (typeof images)[0]["regions"];
    const writing = writeAnnotations(path.join(folder, "w.coco.json"), [{ ...images[0], regions }]);
    await expect(writing).rejects.toThrow(message);
    const nameless = [{ ...images[0], fileName: undefined as unknown as string }];
    await expect(writeAnnotations(path.join(folder, "w.coco.json"), nameless)).rejects.toThrow(
      /give a name and a size/,
    );
  });

  it("of a folder are read past what is none, and a folder without any is refused", async () => {
    const where = path.join(folder, "mixed");
    await writeAnnotations(where, images, { format: "labelme" });
    await writeFile(path.join(where, "settings.json"), '{"a":1}');
    const { images: back, notes } = await readAnnotations(where);
    expect(back.length).toBe(2);
    expect(notes.join()).toMatch(/settings\.json” is in none of the formats/);
    const empty = await mkdtemp(path.join(folder, "empty-"));
    await expect(readAnnotations(empty)).rejects.toThrow(UnSAMError);
  });
});
