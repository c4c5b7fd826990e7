import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unsam } from "./run.js";
import { expectSchema } from "./schema.js";

let folder: string;
const photos = () => path.join(folder, "photos");
const labels = () => path.join(folder, "labels");

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-cli-labels-"));
  await mkdir(photos());
  await copyFile(inRepository("docs", "images", "juice.jpg"), path.join(photos(), "juice.jpg"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

// Each runs the command once or more; a busy machine takes its time.
describe("unsam pseudo-label", { timeout: 120_000 }, () => {
  it("writes label files of the schema and a contact sheet, and makes none twice", async () => {
    const sheet = path.join(folder, "sheet.png");
    const command = ["pseudo-label", photos(), "--out", labels(), "--threads", "1"];
    const { code, stdout } = await unsam([...command, "--preview", sheet, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      out: labels(),
      made: ["juice.jpg"],
      skipped: [],
      empty: [],
      failed: [],
    });
    const text = await readFile(path.join(labels(), "juice.json"), "utf8");
    await expectSchema("pseudo-label", text);
    expect(JSON.parse(text).annotations.length).toBeGreaterThan(5);
    const png = await readFile(sheet);
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect((await unsam(command)).stdout).toContain("0 labelled, 1 there already, 0 failed");
  });

  it("names what it could not label and exits with 1, the rest done", async () => {
    await writeFile(path.join(photos(), "broken.png"), "no picture");
    const { code, stderr } = await unsam(["pseudo-label", photos(), "--out", labels()]);
    expect(code).toBe(1);
    expect(stderr).toContain("broken.png");
    expect(await readdir(labels())).toEqual(["juice.json"]);
  });

  it("exits with 1 where no photo has a label, and refuses thresholds that nothing asks", async () => {
    const plain = path.join(folder, "plain");
    await mkdir(plain);
    await sharp({ create: { width: 3, height: 3, channels: 3, background: "#808080" } })
      .png()
      .toFile(path.join(plain, "plain.png"));
    for (const found of ["1 labelled, 0 there already", "0 labelled, 1 there already"]) {
      const { code, stdout, stderr } = await unsam(["pseudo-label", plain, "--out", labels()]);
      expect(code).toBe(1);
      expect(stdout).toContain(`${found}, 0 failed, 1 without any label`);
      expect(stderr).toMatch(/1 of 1 photos have no label \(plain\.png\); they may be too small/);
    }
    const dropped = await unsam(["pseudo-label", plain, "--out", labels(), "--stability", "0.5"]);
    expect(dropped).toMatchObject({ code: 2, stdout: "" });
    expect(dropped.stderr).toMatch(/belong to --divide masks/);
  });

  it("refuses a folder without photos and cuts without a model", async () => {
    await mkdir(path.join(folder, "empty"));
    const none = await unsam(["pseudo-label", path.join(folder, "empty"), "--out", labels()]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    const cuts = await unsam(["pseudo-label", photos(), "--out", labels(), "--divide", "cuts"]);
    expect(cuts).toMatchObject({ code: 2, stdout: "" });
    expect(cuts.stderr).toContain("model");
  });
});
