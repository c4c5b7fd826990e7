import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Outcome, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

let folder: string;
let data: string;
const SIZE = { width: 64, height: 48 };

/** Six photos of a bright disc, laid out as GrabCut; the disc as a COCO JSON beside it. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-eval-objects-"));
  data = path.join(folder, "benchmarks");
  for (const part of ["GrabCut/data_GT", "GrabCut/boundary_GT", "ptin/images"]) {
    await mkdir(path.join(data, part), { recursive: true });
  }
  for (let k = 0; k < 6; k++) {
    const inside = Array.from({ length: SIZE.width * SIZE.height }, (_, i) =>
      Math.hypot((i % SIZE.width) - 20 - 3 * k, Math.floor(i / SIZE.width) - 24) < 8 + k ? 255 : 0,
    );
    const photo = Uint8Array.from(
      inside.flatMap((value, i) => [40 + (i % 7) + value / 2, 50, 60 + value / 3]),
    );
    const file = (part: string) => path.join(data, part, `disc${k}.png`);
    await sharp(photo, { raw: { ...SIZE, channels: 3 } })
      .png()
      .toFile(file("GrabCut/data_GT"));
    if (k < 2)
      await sharp(photo, { raw: { ...SIZE, channels: 3 } })
        .png()
        .toFile(file("ptin/images"));
    const mask = sharp(Uint8Array.from(inside), { raw: { ...SIZE, channels: 1 } });
    await mask.toColourspace("b-w").png().toFile(file("GrabCut/boundary_GT"));
  }
  const ring = (k: number) => [[12 + 3 * k, 16, 28 + 3 * k, 16, 28 + 3 * k, 32, 12 + 3 * k, 32]];
  const coco = {
    images: [0, 1].map((k) => ({ id: k, file_name: `disc${k}.png`, ...SIZE })),
    annotations: [0, 1].map((k) => ({ id: k, image_id: k, iscrowd: 0, segmentation: ring(k) })),
  };
  await writeFile(path.join(data, "ptin", "val.json"), JSON.stringify(coco));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const unsamv2 = (...args: string[]): Promise<Outcome> =>
  unsam(["eval", "--protocol", "unsamv2", "--levels", "4", ...args]);

describe("unsam eval --protocol unsamv2", () => {
  it("prints one JSON document, and writes the same and tables for others", async () => {
    const out = path.join(folder, "report");
    const methods = ["--model", "region-tree", "--baseline", "otsu"];
    const { code, stdout, stderr } = await unsamv2("--data", data, ...methods, "--out", out, "--json");
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/left out/)]);
    await expectSchema("eval-unsamv2", stdout);
    const report = JSON.parse(stdout);
    expect(JSON.parse(await readFile(path.join(out, "report.json"), "utf8"))).toEqual(report);
    expect((await readdir(out)).sort()).toEqual([
      "clicks.csv",
      "report.json",
      "report.md",
      "results.csv",
      "tables.tex",
    ]);
    const named = report.results.map(({ dataset, method }: Record<string, string>) => [dataset, method]);
    expect(named).toEqual([
      ["GrabCut", "region-tree"],
      ["GrabCut", "otsu"],
      ["val", "region-tree"],
      ["val", "otsu"],
    ]);
    const [tree, otsu, parts] = report.results;
    expect(tree).toMatchObject({ images: 6, objects: 6, averageRecall: null });
    expect(otsu).toMatchObject({ noc80: { mean: 1 }, noc90: { mean: 1 }, oneClickIou: { mean: 1 } });
    expect(parts).toMatchObject({ images: 2, objects: 2, averageRecall: { regions: 2 } });
    expect(report.differences.length).toBe(8);
    expect(report.run.versions.code.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(await readFile(path.join(out, "report.md"), "utf8")).toContain(
      "| GrabCut | otsu | 6 | 6 | 1.00 | 1.00 |",
    );
  });

  it("tells a line for each set and method, and the means over the sets", async () => {
    const { code, stdout } = await unsamv2("--data", data, "--baseline", "otsu", "--metrics", "interactive");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^data set +method +images +objects +NoC80 +NoC90 +1-IoU +AR1000$/m);
    expect(stdout).toMatch(/^GrabCut +otsu +6 +6 +1\.00 +1\.00 +100\.0 +–$/m);
    expect(stdout).toMatch(/^mean +otsu /m);
  });

  it("takes the images of one half alone, the same whenever it is asked", async () => {
    const grabcut = path.join(data, "GrabCut");
    const imagesOf = async (half: string) => {
      const { stdout } = await unsamv2("--data", grabcut, "--baseline", "otsu", "--half", half, "--json");
      const { run, results } = JSON.parse(stdout);
      expect(run.half).toBe(half);
      return results[0].scores.map(({ image }: { image: string }) => image);
    };
    const [development, report] = [await imagesOf("development"), await imagesOf("report")];
    expect([...development, ...report].sort()).toEqual(await imagesOf("all"));
    expect(Math.min(development.length, report.length)).toBeGreaterThan(0);
  });

  it("names an image that cannot be read, does the others, and exits with 1", async () => {
    const broken = path.join(data, "GrabCut", "boundary_GT", "disc3.png");
    const whole = await readFile(broken);
    await writeFile(broken, "no mask");
    const { code, stdout, stderr } = await unsamv2(
      "--data",
      path.join(data, "GrabCut"),
      "--baseline",
      "otsu",
      "--json",
    );
    await writeFile(broken, whole);
    expect(code).toBe(1);
    expect(stderr).toMatch(/GrabCut, otsu: disc3: The mask .*disc3\.png.* is not an image that can be read/);
    expect(JSON.parse(stdout).results[0]).toMatchObject({ images: 5, failures: [{ image: "disc3" }] });
  });

  it.each<[string, string[], RegExp]>([
    ["another protocol's flag", ["--split", "val"], /--split says nothing about --protocol unsamv2/],
    ["a measure that it has not", ["--metrics", "boundary"], /measures interactive .* and recall/],
    ["no data set", ["--data", "nowhere"], /nothing at nowhere/],
    ["half a half", ["--half", "quarter"], /development, report, all/],
  ])("refuses %s", async (_, args, message) => {
    const { code, stderr } = await unsamv2("--data", data, "--baseline", "otsu", ...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const out = path.join(folder, "interrupted");
    const args = ["eval", "--protocol", "unsamv2", "--data", data, "--out", out, "--json"];
    const child = spawn(process.execPath, [inRepository("packages", "cli", "dist", "main.js"), ...args]);
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    child.stderr.once("data", () => child.kill("SIGINT"));
    const code = await ended;
    // A fast machine may be done before; what it has written then is whole.
    if (code === 0) return;
    expect(code).toBe(130);
    await expect(readdir(out)).rejects.toThrow(/ENOENT/);
  });
});
