import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

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
    await refused([...tiles, "--out", path.join(folder, "b.labels.png")], /\.coco\.json or \.geojson/);
    await refused([...tiles, "--out", path.join(folder, "b.json")], /\.coco\.json or \.geojson/);
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
      expect.stringMatching(/name a file instead of a folder/),
    ]);
    const piped = await unsam(["everything", "-", ...tiles]);
    expect([piped.code, piped.stderr]).toEqual([2, expect.stringMatching(/save it to a file/)]);
    expect(await readdir(folder)).toEqual(before);
  });
});
