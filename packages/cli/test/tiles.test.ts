import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

interface Feature {
  readonly geometry: { readonly coordinates: readonly (readonly (readonly [x: number, y: number][])[])[] };
}

let folder: string;
let photo: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-cli-tiles-"));
  photo = path.join(folder, "photo.jpg");
  await copyFile(inRepository("docs", "images", "dragonfruit.jpg"), photo);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const everything = (...flags: string[]) => unsam(["everything", photo, "--model", "region-tree", ...flags]);

describe("unsam everything IMAGE --tiles", () => {
  it("writes GeoJSON and COCO, and prints the JSON document of whole images", async () => {
    const [geojson, coco] = [path.join(folder, "a.geojson"), path.join(folder, "a.coco.json")];
    const { code, stdout, stderr } = await everything(
      "--tiles",
      "256",
      "--overlap",
      "64",
      "--granularity",
      "0.3..1",
      "--json",
      "--out",
      geojson,
      "--out",
      coco,
    );
    expect(code, stderr).toBe(0);
    await expectSchema("everything", stdout);
    const report = JSON.parse(stdout);
    expect(report.masks.length).toBeGreaterThan(5);
    expect(report.masks.every(({ granularity }: { granularity: number }) => granularity >= 0.3)).toBe(true);
    const { features, type } = JSON.parse(await readFile(geojson, "utf8"));
    expect([type, features.length]).toEqual(["FeatureCollection", report.masks.length]);
    const { annotations, images } = JSON.parse(await readFile(coco, "utf8"));
    expect(annotations.length).toBe(report.masks.length);
    expect(images[0]).toMatchObject({ file_name: "photo.jpg", width: report.width });
  });

  it("writes CVAT and YOLO, outlines that are simplified, and the coordinates of a map", async () => {
    const world = path.join(folder, "photo.jgw");
    await writeFile(world, "2\n0\n0\n-2\n500001\n5799999\n");
    const [geojson, cvat, yolo] = ["m.geojson", "m.cvat.xml", "m.yolo.txt"].map((name) =>
      path.join(folder, name),
    );
    const out = [geojson, cvat, yolo].flatMap((file) => ["--out", file]);
    const place = ["--georeference", "--epsg", "25832", "--simplify", "1"];
    const { code, stderr } = await everything("--tiles", "512", ...place, ...out);
    expect(code, stderr).toBe(0);
    const { features, crs, width } = JSON.parse(await readFile(geojson, "utf8"));
    expect(crs.properties.name).toMatch(/25832$/);
    const xs = features.flatMap((one: Feature) => one.geometry.coordinates.flat(2).map(([x]) => x));
    // The corner of the first pixel lies at 500000; a pixel is 2 wide.
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(500_000);
    expect(Math.max(...xs)).toBeLessThanOrEqual(500_000 + 2 * width);
    const shapes = (await readFile(cvat, "utf8")).match(/<(mask|polygon) /g) ?? [];
    expect(shapes.length).toBe(features.length);
    expect((await readFile(yolo, "utf8")).trim().split("\n").length).toBe(features.length);
    await Promise.all([world, geojson, cvat, yolo].map((file) => rm(file)));
  });

  it("says without --json what it found", async () => {
    const { code, stdout } = await everything("--tiles", "512");
    expect(code).toBe(0);
    expect(stdout).toMatch(/\d+ masks, \d+ of them whole, in \d+ × \d+ pixels/);
    expect(stdout).toMatch(/give --out scene\.geojson/);
  });

  it("is what an image beyond the limit is told of", async () => {
    const { code, stderr } = await everything("--max-pixels", "1000");
    expect(code).toBe(2);
    expect(stderr).toMatch(/photo\.jpg” has \d+×\d+ pixels, more than the limit of 1000; .*--tiles 2048/);
  });

  it("refuses what has no part in it, and leaves nothing behind", async () => {
    const before = await readdir(folder);
    const refused = async (flags: string[], message: RegExp) => {
      const { code, stderr } = await everything(...flags);
      expect(code, flags.join(" ")).toBe(2);
      expect(sentences(stderr).join(" ")).toMatch(message);
    };
    const tiles = ["--tiles", "256"];
    await refused([...tiles, "--out", path.join(folder, "b.labels.png")], /\.coco\.json, .* or \.geojson/);
    await refused([...tiles, "--out", path.join(folder, "b.json")], /\.coco\.json, .* or \.geojson/);
    await refused([...tiles, "--out", path.join(folder, "b.labelme.json")], /which holds pictures/);
    await refused([...tiles, "--simplify", "1"], /--simplify is about outlines.*leave it out/);
    const onMap = ["--georeference", "--out", path.join(folder, "b.geojson")];
    await refused([...tiles, ...onMap], /neither a world file beside .*photo\.jpg/);
    await refused([...tiles, "--out", "-"], /--out names a file/);
    await refused([...tiles, "--at", "0.5"], /--at says what pictures show/);
    await refused([...tiles, "--granularity", "0.5"], /a range of sizes/);
    await refused([...tiles, "--calibration", "none.json"], /--calibration/);
    await refused(["--overlap", "32"], /give --tiles with it/);
    await refused(["--tiles", "32"], /tile/);
    await refused([...tiles, "--overlap", "200"], /overlap is 200/);
    await refused([...tiles, "--max-pixels", "1000"], /more than the limit of 1000/);
    const inFolder = await unsam(["everything", folder, "--out", path.join(folder, "c"), ...tiles]);
    expect([inFolder.code, inFolder.stderr]).toEqual([
      2,
      expect.stringMatching(/--tiles is for one image; name one file/),
    ]);
    const piped = await unsam(["everything", "-", ...tiles]);
    expect([piped.code, piped.stderr]).toEqual([2, expect.stringMatching(/save it to a file/)]);
    expect(await readdir(folder)).toEqual(before);
  });
});
