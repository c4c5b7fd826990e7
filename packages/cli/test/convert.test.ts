import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { readAnnotations, SceneHierarchy } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

let folder: string;
let scene: SceneHierarchy;
const at = (name: string) => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-convert-"));
  await copyFile(inRepository("docs", "images", "dragonfruit.jpg"), at("fruit.jpg"));
  // 512 × 300 pixels of half a metre; the centre of the first one at 500000, 5000000.
  await writeFile(at("fruit.jgw"), "0.5\n0\n0\n-0.5\n500000\n5000000\n");
  const model = ["--model", "region-tree"];
  const made = await unsam(["everything", at("fruit.jpg"), ...model, "--out", at("fruit.json")]);
  expect(made.code, made.stderr).toBe(0);
  scene = await SceneHierarchy.load(at("fruit.json"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("unsam convert", () => {
  it("goes from a scene through every format with the same masks, and says what is lost", async () => {
    const files = [
      "fruit.json",
      "a.cvat.xml",
      "a.labelme.json",
      "a.coco.json",
      "a.geojson",
      "a.labelstudio.json",
    ];
    for (const [k, file] of files.slice(1).entries()) {
      const { code, stdout, stderr } = await unsam(["convert", at(files[k]), at(file), "--json"]);
      expect(code, stderr).toBe(0);
      await expectSchema("convert", stdout);
      const report = JSON.parse(stdout);
      expect(report.regions).toBe(scene.masks.length);
      expect(report.lost.join().includes("granularity")).toBe(file.includes("labelstudio"));
    }
    const { images } = await readAnnotations(at(files[files.length - 1]));
    expect(images[0].fileName).toBe("fruit.jpg");
    images[0].regions.forEach(({ mask, parent }, k) => {
      expect(mask.equals(scene.masks[k].mask)).toBe(true);
      expect(parent).toBe(scene.masks[k].parent?.id ?? null);
    });
  });

  it("makes a data set for YOLO, and reads it back", async () => {
    const out = at("dataset");
    const { code, stdout, stderr } = await unsam(["convert", at("fruit.json"), out, "--to", "yolo"]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/from scene to yolo/);
    expect(stdout).toMatch(/lost: the granularity of \d+ regions/);
    expect((await readdir(out)).sort()).toEqual(["classes.txt", "data.yaml", "labels"]);
    const back = await unsam(["convert", out, at("back.coco.json"), "--photos", folder]);
    expect(back.code, back.stderr).toBe(0);
    const { images } = await readAnnotations(at("back.coco.json"));
    expect(images[0].regions.every(({ mask }, k) => mask.equals(scene.masks[k].mask))).toBe(true);
  });

  it("writes simplified outlines on a map", async () => {
    const place = ["--georeference", at("fruit.jpg"), "--epsg", "25832"];
    const { code, stdout, stderr } = await unsam([
      ...["convert", at("fruit.json"), at("map.geojson"), "--simplify", "1"],
      ...place,
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/lost: detail of outlines below 1 pixels/);
    expect(stdout).toMatch(/EPSG:25832/);
    const map = JSON.parse(await readFile(at("map.geojson"), "utf8"));
    expect(map.crs.properties.name).toBe("urn:ogc:def:crs:EPSG::25832");
    const points: number[][] = map.features.flatMap(
      ({ geometry }: { geometry: { coordinates: number[][][][] } }) => geometry.coordinates.flat(2),
    );
    // Corners of the photo: half a pixel, a quarter of a metre, beyond the centres of its pixels.
    expect(Math.min(...points.map(([x]) => x))).toBe(499_999.75);
    expect(Math.max(...points.map(([, y]) => y))).toBe(5_000_000.25);
    expect(Math.max(...points.map(([x]) => x))).toBe(499_999.75 + 256);
  });

  it("gives the same from everything and segment", async () => {
    const model = ["--model", "region-tree"];
    const outs = [...["--out", at("e.geojson")], ...["--out", at("e.yolo.txt")]];
    const flags = ["--georeference", "--epsg", "25832", "--simplify", "1"];
    const everything = await unsam(["everything", at("fruit.jpg"), ...model, ...outs, ...flags]);
    expect(everything.code, everything.stderr).toBe(0);
    expect(everything.stderr).toMatch(
      /e\.yolo\.txt does not tell the photo's name; |e\.yolo\.txt does not tell the score/,
    );
    const map = JSON.parse(await readFile(at("e.geojson"), "utf8"));
    expect(map.features).toEqual(JSON.parse(await readFile(at("map.geojson"), "utf8")).features);

    const clicked = ["segment", at("fruit.jpg"), ...model, "--point", "200,200"];
    const segment = await unsam([...clicked, "--annotations", at("s.labelme.json"), "--json"]);
    expect(segment.code, segment.stderr).toBe(0);
    await expectSchema("segment", segment.stdout);
    const { images } = await readAnnotations(at("s.labelme.json"));
    expect(images[0].regions[0].mask.area).toBe(JSON.parse(segment.stdout).segment.area);
    const pattern = at("{name}.cvat.xml");
    await copyFile(at("fruit.jpg"), at("other.jpg"));
    const several = await unsam([...clicked, at("other.jpg"), "--annotations", pattern]);
    expect(several.code, several.stderr).toBe(0);
    for (const name of ["fruit", "other"]) {
      const { images } = await readAnnotations(at(`${name}.cvat.xml`));
      expect(images[0].fileName).toBe(`${name}.jpg`);
      expect(images[0].regions[0].mask.area).toBe(JSON.parse(segment.stdout).segment.area);
    }
  });

  it.each([
    [["fruit.json", "x.pdf"], /x\.pdf names no format by its end/],
    [["fruit.json", "x.geojson", "--to", "pdf"], /--to is pdf; give one of coco/],
    [["fruit.json", "x.geojson", "--from", "pdf"], /--from is pdf/],
    [["fruit.json", "fruit.json", "--to", "coco"], /<out> is .*fruit\.json, which is the file of <in>/],
    [["missing.json", "x.geojson"], /There is no file/],
    [["fruit.jpg", "x.geojson"], /The annotation file .*fruit\.jpg” is not UTF-8 text/],
    [["fruit.json", "x.geojson", "--epsg", "25832"], /no georeference is given/],
  ])("refuses %j in a sentence, and leaves nothing behind", async ([from, to, ...flags], message) => {
    const { code, stderr } = await unsam(["convert", at(from), at(to), ...flags]);
    expect(code).not.toBe(0);
    const said = sentences(stderr);
    expect(said.length).toBe(1);
    expect(said[0]).toMatch(message);
    expect((await readdir(folder)).filter((name) => name.startsWith("x."))).toEqual([]);
  });

  it.each([
    [
      ["everything", "fruit.jpg", "--out", "x.png", "--simplify", "1"],
      /--simplify is about outlines in annotations/,
    ],
    [
      ["everything", "fruit.jpg", "--out", "x.coco.json", "--georeference"],
      /--georeference is about \.geojson/,
    ],
    [["everything", "fruit.jpg", "--out", "x.geojson", "--epsg", "1"], /give --georeference with it/],
    [["segment", "fruit.jpg", "--point", "1,1", "--simplify", "1"], /give --annotations with it/],
    [["segment", "fruit.jpg", "--point", "1,1", "--annotations", "x.png"], /x\.png names no format/],
  ])("and its kin: %j", async (args, message) => {
    const { code, stderr } = await unsam([...args, "--model", "region-tree"], { cwd: folder });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});
