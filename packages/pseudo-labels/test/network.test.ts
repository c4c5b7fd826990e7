import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { TREE_CAPABILITIES } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { Mask } from "@unsam/core/mask";
import { describeWithShared, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterEach, beforeEach, expect, it } from "vitest";
import { labelFolder, parseLabelFile } from "#pseudo-labels/index.js";

const model = () => ({
  model: shared("parity", "unsamv2-mini", "checkpoint.pt"),
  config: shared("parity", "unsamv2-mini", "config.json"),
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-output-"));
  const photo = sharp({ create: { width: 150, height: 100, channels: 3, background: "#7a8c74" } }).composite([
    { input: { create: { width: 50, height: 40, channels: 3, background: "#c03020" } }, left: 20, top: 30 },
  ]);
  await photo.png().toFile(path.join(folder, "photo.png"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describeWithShared("labels by what a network sees", () => {
  it.each(["cuts", "masks"] as const)("labels by a network's %s, the same every time", async (divide) => {
    const run = async (out: string) => {
      const masks = { pointsPerSide: 4, predictedIou: 0, stability: 0 };
      const report = await labelFolder(folder, {
        out: path.join(folder, out),
        divide,
        threads: 1,
        backbone: { ...model(), ...(divide === "masks" ? { masks } : {}) },
      });
      expect(report.failed).toEqual([]);
      return readFile(path.join(folder, out, "photo.json"), "utf8");
    };
    const text = await run("first");
    expect(await run("second")).toBe(text);
    const { info, annotations } = parseLabelFile(text, "photo.json");
    expect(info.divide).toBe(divide);
    expect(annotations.length).toBeGreaterThan(0);
    for (const { segmentation, area } of annotations) expect(Mask.fromRLE(segmentation).area).toBe(area);
  });
});

describeWithShared("thresholds", () => {
  it("that nothing passes leave a photo empty, and impossible ones are refused", async () => {
    const run = (masks: object) =>
      labelFolder(folder, {
        out: path.join(folder, "out"),
        divide: "masks",
        threads: 1,
        backbone: { ...model(), masks: { pointsPerSide: 2, ...masks } },
      });
    expect(await run({ predictedIou: 1, stability: 1 })).toMatchObject({
      made: ["photo.png"],
      empty: ["photo.png"],
    });
    await expect(run({ pointsPerSide: 5000 })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    await expect(run({ stability: 2 })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  });
});

it("wants a model for masks and cuts, and none for the tree", async () => {
  const out = path.join(folder, "labels");
  await expect(labelFolder(folder, { out, divide: "cuts" })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  await expect(labelFolder(folder, { out, backbone: { model: "a.pt" } })).rejects.toMatchObject({
    code: "E_BAD_OPTION",
  });
  expect(await readdir(folder)).toEqual(["photo.png"]);
});

it("asks a caller's own families first", async () => {
  const own = {
    name: "own",
    capabilities: TREE_CAPABILITIES,
    recognise: () => true,
    open: () => Promise.reject(new UnSAMError("E_UNSUPPORTED", "Own models cannot be opened.")),
  };
  const options = { out: path.join(folder, "out"), divide: "cuts", threads: 1 } as const;
  const run = labelFolder(folder, { ...options, backbone: { model: "none.own", families: [own] } });
  await expect(run).rejects.toMatchObject({ message: "Own models cannot be opened." });
});
