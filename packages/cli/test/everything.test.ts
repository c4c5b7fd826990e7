import { spawn, spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { outputName, temporaryPath } from "@unsam/core/files";
import { SceneHierarchy } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences, unsam, unsamProcess } from "./run.js";
import { expectSchema } from "./schema.js";

const photo = inRepository("docs", "images", "dragonfruit.jpg");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-everything-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A folder of that many photos, and where their scenes go. */
async function batch(name: string, count: number): Promise<{ photos: string; out: string }> {
  const [photos, out] = [path.join(folder, name), path.join(folder, `${name}-out`)];
  await mkdir(photos);
  for (let i = 0; i < count; i++) await copyFile(photo, path.join(photos, `photo-${i + 10}.jpg`));
  await writeFile(path.join(photos, "notes.txt"), "no image");
  return { photos, out };
}

const visible = async (out: string) => (await readdir(out)).filter((name) => !name.startsWith("."));

describe("unsam everything IMAGE", () => {
  it("writes every kind of file, and prints one JSON document", async () => {
    const ends = [
      "json",
      "coco.json",
      "geojson",
      "labels.png",
      "contours.png",
      "png",
      "cvat.xml",
      "yolo.txt",
    ];
    const files = ends.map((end) => path.join(folder, `scene.${end}`));
    const { code, stdout, stderr } = await unsam([
      "everything",
      photo,
      "--granularity",
      "0.1..1",
      "--at",
      "0.2,0.4,coarse",
      "--json",
      ...files.flatMap((file) => ["--out", file]),
    ]);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    await expectSchema("everything", stdout);
    expect(report.files).toEqual(files);
    const scene = await SceneHierarchy.load(files[0]);
    await expectSchema("scene", await readFile(files[0], "utf8"));
    expect(scene.masks.map(({ area }) => area)).toEqual(
      report.masks.map(({ area }: { area: number }) => area),
    );
    const coco = JSON.parse(await readFile(files[1], "utf8"));
    expect(coco.annotations.length).toBe(scene.masks.length);
    expect(coco.images[0].file_name).toBe("dragonfruit.jpg");
    expect(JSON.parse(await readFile(files[2], "utf8")).features.length).toBe(scene.masks.length);
    expect((await sharp(files[3]).metadata()).depth).toBe("ushort");
    expect((await sharp(files[4]).metadata()).depth).toBe("ushort");
    const { width, height, channels } = await sharp(files[5]).metadata();
    // One picture for each setting, side by side.
    expect([width, height, channels]).toEqual([3 * scene.width + 16, scene.height, 3]);
  });

  it("says what it found where nothing is to be written", async () => {
    const { code, stdout } = await unsam(["everything", photo, "--granularity", "0.3"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\d+ masks, \d+ of them whole; at granularity 0.5 \d+ regions over/);
    expect(stdout).toMatch(/give --out/);
  });

  it.each([
    [["--out", "scene.tiff"], /must end in .coco.json, .labelme.json/],
    [["--out", path.join("no", "such", "scene.json")], /no folder/],
    [["--granularity", "0.9..0.1"], /lower end comes first/],
    [["--granularity", "auto"], /auto/],
    [["--granularity", "7"], /from 0 to 1/],
    [["--at", "auto"], /auto is no one granularity/],
    [["--predicted-iou", "2"], /from 0 to 1/],
    [["--prompting", "luck"], /adaptive, grid, regions/],
    [["--format", "png"], /for several photos/],
    [["--crop-layers", "1"], /cropLayers/],
  ])("refuses %j with exit code 2", async (args, message) => {
    const { code, stdout, stderr } = await unsam(["everything", photo, ...args]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(sentences(stderr).join("\n")).toMatch(message);
  });

  it("refuses what is not there", async () => {
    const { code, stderr } = await unsam(["everything", path.join(folder, "none.jpg")]);
    expect([code, sentences(stderr)[0]]).toEqual([
      2,
      `unsam: There is no file “${folder}/none.jpg”; check the path.`,
    ]);
  });
});

/** The command for a folder, with the model that is quickest. */
const ofFolder = (photos: string, out: string) => [
  "everything",
  photos,
  ...["--model", "region-tree"],
  ...["--out", out],
];

describe("unsam everything DIR", () => {
  it("goes on after a bad image, tells of it at the end and exits with 1; then does nothing twice", async () => {
    const { photos, out } = await batch("bad", 3);
    await writeFile(path.join(photos, "photo-11.jpg"), "no JPEG at all");
    const run = () =>
      unsam([...ofFolder(photos, out), "--format", "json", "--format", "labels.png", "--json"]);
    const first = await run();
    expect(first.code).toBe(1);
    expect(JSON.parse(first.stdout)).toMatchObject({
      images: 3,
      done: 2,
      skipped: 0,
      failed: [{ image: path.join(photos, "photo-11.jpg"), code: "E_BAD_IMAGE" }],
    });
    expect(first.stderr).toMatch(/images\/s, \d+ s left/);
    expect(first.stderr).toMatch(/unsam: .*photo-11.jpg: .* is not an image/);
    const files = [10, 12].flatMap((n) => [`photo-${n}.jpg.json`, `photo-${n}.jpg.labels.png`]);
    expect(await visible(out)).toEqual(files);
    const times = await Promise.all(files.map(async (file) => (await stat(path.join(out, file))).mtimeMs));

    await copyFile(photo, path.join(photos, "photo-11.jpg"));
    const second = await run();
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ images: 3, done: 1, skipped: 2, failed: [] });
    const again = await Promise.all(files.map(async (file) => (await stat(path.join(out, file))).mtimeMs));
    expect(again).toEqual(times);
    expect((await visible(out)).length).toBe(6);
  });

  it("takes several photos, patterns and standard input, and names that do not clash", async () => {
    const { photos, out } = await batch("several", 2);
    const single = path.join(folder, "single.jpg");
    await copyFile(photo, single);
    const quick = ["--model", "region-tree", "--out", out];
    const named = ["everything", path.join(photos, "photo-*.jpg"), single, "-"];
    const args = [...named, ...quick, "--json"];
    const { code, stdout, stderr } = await unsamProcess(args, { input: await readFile(photo) });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ folder: null, out, images: 4, done: 4, skipped: 0, failed: [] });
    const files = ["photo-10.jpg.json", "photo-11.jpg.json", "single.jpg.json", "stdin.json"];
    expect(await visible(out)).toEqual(files);
    const texts = await Promise.all(files.map((file) => readFile(path.join(out, file), "utf8")));
    expect(new Set(texts).size).toBe(1);

    const other = path.join(folder, "other");
    await mkdir(other);
    await copyFile(photo, path.join(other, "single.jpg"));
    const clash = await unsam(["everything", single, path.join(other, "single.jpg"), ...quick]);
    expect([clash.code, sentences(clash.stderr)[0]]).toEqual([
      2,
      expect.stringMatching(/run photos of one name apart/),
    ]);
    for (const [more, message] of [
      [["--out", "-"], /standard output holds the result of one/],
      [[], /give one folder as --out/],
      [["--tiles", "512", "--out", "x.json"], /name one file/],
    ] as const) {
      const refused = await unsam(["everything", path.join(photos, "*.jpg"), ...more]);
      expect([refused.code, sentences(refused.stderr)[0]]).toEqual([2, expect.stringMatching(message)]);
    }
  });

  it("passes hidden files over, and names photos that are not taken once", async () => {
    const { photos, out } = await batch("foreign", 1);
    for (const name of ["._photo-10.jpg", "a.HEIC", "b.bmp"]) await writeFile(path.join(photos, name), "x");
    const { code, stdout, stderr } = await unsam([...ofFolder(photos, out), "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ images: 1, done: 1, failed: [] });
    expect(stderr.match(/2 files are not taken \(\.bmp, \.heic; the first is “a\.HEIC”\)/g)).toHaveLength(1);
  });

  it("shared by two runs at once is made whole by both", { timeout: 120_000 }, async () => {
    const { photos, out } = await batch("shared", 4);
    const { photos: one, out: alone } = await batch("alone", 1);
    const formats = ["--format", "json", "--format", "labels.png"];
    const runs = await Promise.all(
      [0, 1].map(() => unsamProcess([...ofFolder(photos, out), ...formats, "--json"])),
    );
    for (const { code, stdout, stderr } of runs) {
      expect(code, stderr).toBe(0);
      const { images, done, skipped, failed } = JSON.parse(stdout);
      expect([images, done + skipped, failed]).toEqual([4, 4, []]);
    }
    expect((await unsam([...ofFolder(one, alone), ...formats])).code).toBe(0);
    expect(await visible(out)).toEqual(
      [10, 11, 12, 13].flatMap((n) => [`photo-${n}.jpg.json`, `photo-${n}.jpg.labels.png`]),
    );
    for (const suffix of ["json", "labels.png"]) {
      const right = await readFile(path.join(alone, `photo-10.jpg.${suffix}`));
      for (const n of [10, 11, 12, 13]) {
        const found = await readFile(path.join(out, `photo-${n}.jpg.${suffix}`));
        // The same photo under four names.
        expect(found.equals(right), `photo-${n}.jpg.${suffix}`).toBe(true);
      }
    }
    expect((await readdir(out)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("with other settings at the same time is refused by one of them", { timeout: 120_000 }, async () => {
    const { photos, out } = await batch("disputed", 2);
    const runs = await Promise.all(
      ["2", "3"].map((area) => unsamProcess([...ofFolder(photos, out), "--min-region-area", area])),
    );
    expect(runs.map(({ code }) => code).sort()).toEqual([0, 2]);
    expect(runs.find(({ code }) => code === 2)?.stderr).toContain("made with another model or other options");
  });

  it("of the longest names makes files whose names are cut, once", { timeout: 120_000 }, async () => {
    const { photos, out } = await batch("long", 0);
    const names = [`${"n".repeat(210)}.jpg`, `${"漢".repeat(80)}.jpg`, `${"x".repeat(251)}.jpg`];
    for (const name of names) await copyFile(photo, path.join(photos, name));
    const formats = ["json", "contours.png"];
    const args = [
      "everything",
      photos,
      "--out",
      out,
      ...formats.flatMap((name) => ["--format", name]),
      "--json",
    ];
    expect(JSON.parse((await unsam(args)).stdout)).toMatchObject({ images: 3, done: 3, failed: [] });
    const expected = names.flatMap((name) => formats.map((suffix) => outputName(name, `.${suffix}`)));
    expect((await visible(out)).sort()).toEqual(expected.sort());
    expect(JSON.parse((await unsam(args)).stdout)).toMatchObject({ images: 3, done: 0, skipped: 3 });
  });

  it("interrupted and started again, does no image twice and leaves no partial file", {
    timeout: 120_000,
  }, async () => {
    const { photos, out } = await batch("interrupted", 8);
    // What a process that was killed while writing leaves behind.
    await mkdir(out);
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const leftover = path.basename(temporaryPath(out)).replace(`-${process.pid}-`, `-${dead}-`);
    await writeFile(path.join(out, leftover), '{"format":');
    const main = inRepository("packages", "cli", "dist", "main.js");
    const child = spawn(process.execPath, [main, ...ofFolder(photos, out)]);
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    while ((await visible(out)).filter((name) => name.endsWith(".json")).length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill("SIGINT");
    expect(await ended).toBe(130);

    const before = await visible(out);
    expect(before.length).toBeGreaterThanOrEqual(2);
    expect(before.length).toBeLessThan(8);
    // Only whole scenes.
    for (const name of before) {
      expect(name).toMatch(/^photo-\d+\.jpg\.json$/);
      expect((await SceneHierarchy.load(path.join(out, name))).masks.length).toBeGreaterThan(10);
    }
    const times = new Map<string, number>();
    for (const name of before) times.set(name, (await stat(path.join(out, name))).mtimeMs);

    const { code, stdout } = await unsam([...ofFolder(photos, out), "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      images: 8,
      done: 8 - before.length,
      skipped: before.length,
      failed: [],
    });
    for (const [name, time] of times) expect((await stat(path.join(out, name))).mtimeMs).toBe(time);
    expect((await visible(out)).length).toBe(8);
    expect((await readdir(out)).some((name) => name.endsWith(".tmp"))).toBe(false);
  });

  it("does not mix files of different options", async () => {
    const { photos, out } = await batch("mixed", 1);
    expect((await unsam(ofFolder(photos, out))).code).toBe(0);
    const { code, stderr } = await unsam([...ofFolder(photos, out), "--granularity", "0.5"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/other options/);
    // Another format of the same scenes is welcome.
    expect((await unsam([...ofFolder(photos, out), "--format", "coco.json"])).code).toBe(0);
    expect(await visible(out)).toEqual(["photo-10.jpg.coco.json", "photo-10.jpg.json"]);
  });

  it("refuses a folder without images, or without a place for its files", async () => {
    const empty = path.join(folder, "empty");
    await mkdir(empty);
    expect((await unsam(["everything", empty, "--out", path.join(folder, "x")])).code).toBe(2);
    expect((await unsam(["everything", empty])).code).toBe(2);
    expect((await unsam(["everything", empty, "--out", "x", "--format", "bmp"])).code).toBe(2);
  });
});
