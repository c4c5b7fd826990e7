import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

let folder: string;
let data: string;

/** Six photos of one bright disc each, in the fixed layout without clicks. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-eval-"));
  data = path.join(folder, "discs");
  for (const part of ["images", "labels"]) await mkdir(path.join(data, part), { recursive: true });
  for (let k = 0; k < 6; k++) {
    const inside = Array.from({ length: 160 * 120 }, (_, i) =>
      Math.hypot((i % 160) - 60 - 5 * k, Math.floor(i / 160) - 60) < 20 + 2 * k ? 1 : 0,
    );
    const photo = Uint8Array.from(inside.flatMap((value) => [40 + 160 * value, 50 + 100 * value, 60]));
    const raw = { width: 160, height: 120 };
    const name = (part: string) => path.join(data, part, `disc${k}.png`);
    await sharp(photo, { raw: { ...raw, channels: 3 } })
      .png()
      .toFile(name("images"));
    await sharp(Uint8Array.from(inside), { raw: { ...raw, channels: 1 } })
      .toColourspace("b-w")
      .png()
      .toFile(name("labels"));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("unsam eval", () => {
  it("opens the data sets of a pattern that the shell has not expanded", async () => {
    await cp(data, path.join(folder, "discs-2"), { recursive: true });
    const args = ["--baseline", "otsu", "--levels", "1", "--json"];
    const { code, stdout } = await unsam(["eval", "--data", path.join(folder, "discs*"), ...args]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).datasets.map(({ name }: { name: string }) => name)).toEqual([
      "discs",
      "discs-2",
    ]);
    const none = await unsam(["eval", "--data", path.join(folder, "*.xyz"), ...args]);
    expect(none.code).not.toBe(0);
    expect(none.stderr).toMatch(/No folder and no JSON file matches/);
  });

  it("prints one JSON document and writes the same as a report", async () => {
    const out = path.join(folder, "report");
    const args = ["--data", data, "--baseline", "otsu,felzenszwalb", "--baseline", "region-tree"];
    const { code, stdout } = await unsam([
      "eval",
      ...args,
      "--levels",
      "4",
      "--metrics",
      "all",
      "--json",
      "--out",
      out,
    ]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    await expectSchema("eval", stdout);
    expect(JSON.parse(await readFile(path.join(out, "report.json"), "utf8"))).toEqual(report);
    expect((await readdir(out)).sort()).toEqual([
      "clicks.csv",
      "report.html",
      "report.json",
      "report.md",
      "tables.tex",
    ]);
    const lines = (await readFile(path.join(out, "clicks.csv"), "utf8")).trimEnd().split("\n");
    expect(lines.length).toBe(1 + 3 * 6);
    expect(lines[1]).toMatch(/^discs,otsu,disc0,1,1,60,60,0\.\d+,1,,1,,,1$/);
    expect(await readFile(path.join(out, "tables.tex"), "utf8")).toContain("discs & otsu & 6 & 6 &");
    expect(report.differences.length).toBe(3);
    expect(report.run).toMatchObject({ half: "all", versions: { code: { commit: expect.any(String) } } });
    expect(report.results.map(({ method }: { method: string }) => method)).toEqual([
      "otsu",
      "felzenszwalb",
      "region-tree (baseline)",
    ]);
    expect(report.results[0]).toMatchObject({
      dataset: "discs",
      meanIou: { fixed: 1, auto: 1, oracle: 1 },
      clicks: 6,
    });
    expect(report.results[2].iouByGranularity.length).toBe(4);
    expect(await readFile(path.join(out, "report.md"), "utf8")).toContain("| discs | otsu | 6 | 6 |");
  });

  it("takes the built-in model where none is named, and a limit", async () => {
    const { code, stdout } = await unsam(["eval", "--data", data, "--limit", "2", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).results).toMatchObject([{ method: "nano", images: 2 }]);
  });

  it("refuses photos of more pixels than --max-pixels, and takes those of as many", async () => {
    const args = ["eval", "--data", data, "--baseline", "otsu", "--limit", "1", "--json", "--max-pixels"];
    const [less, same] = [await unsam([...args, `${160 * 120 - 1}`]), await unsam([...args, `${160 * 120}`])];
    expect([less.code, same.code]).toEqual([1, 0]);
    expect(JSON.parse(less.stdout).results[0]).toMatchObject({
      images: 0,
      failures: [{ image: "disc0", error: expect.stringMatching(/160.120.*19199/) }],
    });
    expect(JSON.parse(same.stdout).results[0]).toMatchObject({ images: 1, failures: [] });
  });

  it("reports a broken image, does the rest, and exits with 1", async () => {
    const broken = path.join(data, "images", "disc9.png");
    await writeFile(broken, "no image");
    await writeFile(
      path.join(data, "labels", "disc9.png"),
      await readFile(path.join(data, "labels", "disc0.png")),
    );
    const { code, stdout, stderr } = await unsam(["eval", "--data", data, "--baseline", "otsu", "--json"]);
    await rm(broken);
    expect(code).toBe(1);
    expect(stderr).toMatch(/disc9/);
    const [result] = JSON.parse(stdout).results;
    expect(result.failures.map(({ image }: { image: string }) => image)).toEqual(["disc9"]);
    expect(result.images).toBe(6);
  });

  it("counts what it leaves out, and fails with the reason where nothing is left", async () => {
    const dir = path.join(folder, "crowd");
    await mkdir(dir);
    await writeFile(path.join(dir, "disc.png"), await readFile(path.join(data, "images", "disc0.png")));
    const ring = [[40, 40, 80, 40, 80, 80, 40, 80]];
    const coco = (iscrowd: number) => ({
      images: [{ id: 1, file_name: "disc.png", width: 160, height: 120 }],
      annotations: [
        { id: 1, image_id: 1, iscrowd, segmentation: ring },
        { id: 2, image_id: 1, iscrowd: 1, segmentation: ring },
      ],
    });
    const file = path.join(dir, "some <b>.json");
    const out = path.join(folder, "crowd-report");
    const args = ["eval", "--data", file, "--baseline", "otsu", "--json", "--out", out];
    await writeFile(file, JSON.stringify(coco(0)));
    const some = await unsam(args);
    expect(some.code).toBe(0);
    expect(some.stderr).toMatch(/some <b>: left out: 1 × annotation marked iscrowd \(annotation 2\)/);
    await expectSchema("eval", some.stdout);
    expect(JSON.parse(some.stdout).datasets[0].notes).toMatchObject([
      { kind: "left-out", what: "annotation marked iscrowd", count: 1, examples: ["annotation 2"] },
    ]);
    for (const name of ["report.md", "report.html"]) {
      expect(await readFile(path.join(out, name), "utf8")).toMatch(/left out: 1 × annotation marked iscrowd/);
    }
    await writeFile(file, JSON.stringify(coco(1)));
    const none = await unsam(args);
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/has nothing to score: left out are 2 × annotation marked iscrowd/);
    expect(JSON.parse(none.stdout).results[0]).toMatchObject({ images: 0, clicks: 0 });
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const out = path.join(folder, "interrupted");
    const args = [
      "eval",
      "--data",
      data,
      "--model",
      "region-tree",
      "--out",
      out,
      "--json",
      "--metrics",
      "all",
    ];
    const child = spawn(process.execPath, [inRepository("packages", "cli", "dist", "main.js"), ...args]);
    let printed = "";
    child.stdout.on("data", (text) => {
      printed += text;
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    // The first line of progress: the work has begun.
    child.stderr.once("data", () => child.kill("SIGINT"));
    const code = await ended;
    // A fast machine may be done before; what it has written then is whole.
    if (code === 0) return;
    expect(code).toBe(130);
    expect(printed).toBe("");
    await expect(readdir(out)).rejects.toThrow(/ENOENT/);
  });

  it.each<[string, string[], RegExp]>([
    ["no data", [], /required option/],
    ["data that are not there", ["--data", "nowhere"], /nothing at nowhere/],
    ["an empty folder", ["--data", "."], /holds no data set/],
    ["an unknown baseline", ["--data", "discs", "--baseline", "magic"], /"magic" is none of otsu/],
    ["an unknown model", ["--data", "discs", "--model", "magic"], /neither a built-in model/],
    ["an unknown metric", ["--data", "discs", "--metrics", "beauty"], /"beauty" is none of/],
    [
      "no model to take the granularity from",
      ["--data", "discs", "--baseline", "no-granularity"],
      /belongs to a --model/,
    ],
    [
      "a config without checkpoint",
      ["--data", "discs", "--config", "c.json"],
      /--config belongs to a checkpoint/,
    ],
    ["no levels", ["--data", "discs", "--levels", "0"], /whole number/],
    ["too many levels", ["--data", "discs", "--levels", "5000"], /from 1 to 100/],
    ["a file as folder", ["--data", "discs", "--out", "discs/images/disc0.png"], /is a file/],
    ["an image as model", ["--data", "discs", "--model", "discs/images/disc0.png"], /disc0\.png/],
  ])("refuses %s with one sentence and exit code 2", async (_, args, reason) => {
    const cwd = args.includes(".") ? await mkdtemp(path.join(folder, "empty-")) : folder;
    const { code, stdout, stderr } = await unsam(["eval", ...args, "--json"], { cwd });
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(reason);
    expect(sentences(stderr)).toHaveLength(1);
  });
});

describeWithShared("unsam eval with a checkpoint", () => {
  it("measures it with and without its granularity input", async () => {
    const fixture = (name: string) => shared("parity", "unsamv2-mini", name);
    const model = ["--model", fixture("checkpoint.pt"), "--config", fixture("config.json")];
    const args = [
      "--data",
      data,
      ...model,
      "--baseline",
      "no-granularity",
      "--limit",
      "1",
      "--levels",
      "3",
      "--metrics",
      "interactive",
    ];
    const { code, stdout } = await unsam(["eval", ...args, "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    await expectSchema("eval", stdout);
    const [dial, without] = report.results;
    expect(dial.iouByGranularity.length).toBe(3);
    expect(dial.interactive.dial.noc90).toBeGreaterThanOrEqual(dial.interactive.dial.noc80);
    expect(without.method).toMatch(/without granularity$/);
    expect(without.fixedGranularity).toBeNull();
  }, 90_000);
});
