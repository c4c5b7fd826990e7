import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Mask } from "@unsam/core/mask";
import sharp from "sharp";
import { afterEach, beforeEach, expect, it } from "vitest";
import { labelFolder, parseLabelFile, writePreview } from "#pseudo-labels/index.js";
import { labelNames } from "#pseudo-labels/run/label-folder.js";

let folder: string;
const photos = () => path.join(folder, "photos");
const labels = () => path.join(folder, "labels");

/** A red disc with a yellow square in it, on grey ground with a blue box. */
const isDisc = (x: number, y: number) => (x - 50) ** 2 + (y - 48) ** 2 < 900;
const isSquare = (x: number, y: number) => x >= 42 && x < 58 && y >= 40 && y < 56;
const isBox = (x: number, y: number) => x >= 100 && x < 140 && y >= 20 && y < 80;

async function scene(file: string): Promise<void> {
  const [width, height] = [160, 96];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = isSquare(x, y)
        ? [240, 220, 40]
        : isDisc(x, y)
          ? [190, 30, 40]
          : isBox(x, y)
            ? [40, 60, 190]
            : [150, 150, 150];
      data.set(colour, (y * width + x) * 3);
    }
  }
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
}

const maskOf = (inside: (x: number, y: number) => boolean) =>
  Mask.fromBytes(
    160,
    96,
    Uint8Array.from({ length: 160 * 96 }, (_, i) => Number(inside(i % 160, Math.floor(i / 160)))),
  );

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-labels-"));
  await mkdir(photos());
  await scene(path.join(photos(), "a.png"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (options: Partial<Parameters<typeof labelFolder>[1]> = {}) =>
  labelFolder(photos(), { out: labels(), threads: 2, ...options });
const read = async (name: string) => parseLabelFile(await readFile(path.join(labels(), name), "utf8"), name);

it("finds the things of a scene and their parts", async () => {
  await run();
  const { image, annotations } = await read("a.json");
  expect(image).toEqual({ file_name: "a.png", width: 160, height: 96, id: 1, image_id: 1 });
  const masks = annotations.map(({ segmentation }) => Mask.fromRLE(segmentation));
  for (const thing of [isDisc, isSquare, isBox]) {
    const wanted = maskOf(thing);
    expect(Math.max(...masks.map((mask) => mask.iou(wanted)))).toBeGreaterThan(0.9);
  }
  annotations.forEach((annotation, i) => {
    const { x, y, width, height } = masks[i].bbox;
    expect(annotation).toMatchObject({
      id: i + 1,
      image_id: 1,
      category_id: 1,
      iscrowd: 0,
      area: masks[i].area,
      bbox: [x, y, width, height],
    });
    expect(annotation.granularity).toBeGreaterThanOrEqual(0.1);
    expect(annotation.granularity).toBeLessThanOrEqual(1);
    for (const score of [annotation.predicted_iou, annotation.stability_score]) {
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    const whole = annotations.findIndex((other) => other.instance_id === annotation.instance_id);
    expect(annotations[whole]).toMatchObject({ is_part: false, granularity: 1 });
    expect(annotation.is_part).toBe(i !== whole);
    expect(masks[i].intersection(masks[whole])).toBeGreaterThanOrEqual(0.9 * masks[i].area);
  });
});

it("makes the same labels again, with and without the native kernels", async () => {
  await run();
  const first = await readFile(path.join(labels(), "a.json"));
  await rm(labels(), { recursive: true });
  await run({ native: false, threads: 1 });
  expect((await readFile(path.join(labels(), "a.json"))).equals(first)).toBe(true);
});

it("goes on where it stopped, and makes anew what was made otherwise or is broken", async () => {
  await scene(path.join(photos(), "b.png"));
  await scene(path.join(photos(), "b.jpg"));
  expect((await run()).made).toEqual(["a.png", "b.jpg", "b.png"]);
  expect((await readdir(labels())).sort()).toEqual(["a.json", "b.jpg.json", "b.png.json"]);
  const before = await stat(path.join(labels(), "b.png.json"));
  const text = await readFile(path.join(labels(), "a.json"), "utf8");
  await writeFile(path.join(labels(), "a.json"), text.replace("pseudo-labels-", "another-"));
  await writeFile(path.join(labels(), "b.jpg.json"), text.slice(0, 200));
  expect(await run()).toMatchObject({ made: ["a.png", "b.jpg"], skipped: ["b.png"], failed: [] });
  expect((await stat(path.join(labels(), "b.png.json"))).mtimeMs).toBe(before.mtimeMs);
  expect(await readFile(path.join(labels(), "a.json"), "utf8")).toBe(text);
});

it("reports a broken image and labels the rest", async () => {
  await writeFile(path.join(photos(), "0.jpg"), "no image");
  const report = await run();
  expect(report.made).toEqual(["a.png"]);
  expect(report.failed).toMatchObject([{ file: "0.jpg", error: { code: "E_BAD_IMAGE" } }]);
  expect(await readdir(labels())).toEqual(["a.json"]);
});

it("names photos in which nothing is found, also when they are there already", async () => {
  await sharp({ create: { width: 3, height: 3, channels: 3, background: "#808080" } })
    .png()
    .toFile(path.join(photos(), "plain.png"));
  expect(await run()).toMatchObject({ made: ["a.png", "plain.png"], empty: ["plain.png"] });
  expect(await run()).toMatchObject({ skipped: ["a.png", "plain.png"], empty: ["plain.png"] });
});

it("passes hidden files over, names those it does not take, and waits for none", async () => {
  await writeFile(path.join(photos(), "._a.png"), "no image");
  await writeFile(path.join(photos(), "b.HEIC"), "");
  if (process.platform !== "win32") execFileSync("mkfifo", [path.join(photos(), "pipe.png")]);
  const report = await run();
  expect(report.made).toEqual(["a.png"]);
  expect(report.notTaken).toMatch(
    /^1 file is not taken \(\.heic; the first is “b\.HEIC”\); convert to JPEG or PNG\.$/,
  );
  if (process.platform !== "win32") {
    expect(report.failed).toMatchObject([{ file: "pipe.png", error: { code: "E_BAD_IMAGE" } }]);
  }
});

it("labels photos of any name, each in a file of its own", async () => {
  const names = [`${"n".repeat(251)}.png`, `${"n".repeat(250)}m.png`, `${"図".repeat(83)}.png`];
  for (const name of names) await scene(path.join(photos(), name));
  expect((await run()).failed).toEqual([]);
  const files = (await readdir(labels())).sort();
  expect(files).toHaveLength(4);
  for (const file of files) expect(Buffer.byteLength(file)).toBeLessThanOrEqual(255);
  const labelled = await Promise.all(files.map(async (file) => (await read(file)).image.file_name));
  expect(labelled.sort()).toEqual(["a.png", ...names].sort());
  expect((await run()).skipped).toHaveLength(4);
  expect(labelNames(["a.jpg", "a.png", "a.png.jpg", "b.png"])).toEqual([
    "a.jpg.json",
    "a.png.json",
    "a.png.jpg.json",
    "b.json",
  ]);
});

it("stops when told to, leaving no partial file", async () => {
  for (let k = 0; k < 6; k++) await scene(path.join(photos(), `c${k}.png`));
  const control = new AbortController();
  const stopped = run({
    threads: 1,
    signal: control.signal,
    onProgress: () => control.abort(new Error("enough")),
  });
  await expect(stopped).rejects.toThrow("enough");
  expect(await readdir(labels())).toEqual(["a.json"]);
  expect((await run()).skipped).toEqual(["a.png"]);
});

it("draws a contact sheet", async () => {
  await run();
  const sheet = path.join(folder, "sheet.png");
  await writePreview(photos(), labels(), sheet);
  const { width, height } = await sharp(sheet).metadata();
  expect([width, height]).toEqual([972, 180]);
});

it("refuses what is no folder, has no images, or no threads", async () => {
  await expect(labelFolder(path.join(folder, "none"), { out: labels() })).rejects.toMatchObject({
    code: "E_IO",
  });
  await mkdir(path.join(folder, "empty"));
  await expect(labelFolder(path.join(folder, "empty"), { out: labels() })).rejects.toMatchObject({
    code: "E_BAD_OPTION",
  });
  await expect(run({ threads: 0 })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
});
