import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";

// Files that are none: a pipe would be waited for, a device read without end, and neither heard of Ctrl-C.

const folder = mkdtempSync(path.join(tmpdir(), "unsam-odd-"));
const at = (name: string) => path.join(folder, name);
const photo = inRepository("docs", "images", "juice.jpg");

beforeAll(() => {
  mkdirSync(at("folder.png"));
  writeFileSync(at("config.json"), '\ufeff{ "no": "model" }');
  if (process.platform === "win32") return;
  writeFileSync(at("own.png"), "a photo");
  symlinkSync("own.png", at("link.png"));
  for (const end of ["png", "json", "npy", "pt", "coco.json"]) {
    execFileSync("mkfifo", [at(`pipe.${end}`)]);
    symlinkSync("/dev/zero", at(`zero.${end}`));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const segment = ["segment", photo, "--point", "60,60"];
const refuse = async (args: readonly string[], message: RegExp) => {
  const { code, stdout, stderr } = await unsam(args, { cwd: folder, timeout: 60_000 });
  expect(stderr).toMatch(message);
  expect(sentences(stderr)).toHaveLength(1);
  expect([code, stdout]).toEqual([2, ""]);
};

describe.skipIf(process.platform === "win32")("unsam", { timeout: 120_000 }, () => {
  for (const odd of ["pipe", "zero"]) {
    it.concurrent.each<[string, string[]]>([
      ["the photo", ["segment", `${odd}.png`, "--point", "6,6"]],
      ["the photo of everything", ["everything", `${odd}.png`]],
      ["--mask-input", ["segment", photo, "--mask-input", `${odd}.npy`]],
      ["--calibration", [...segment, "--calibration", `${odd}.json`]],
      ["--calibration of a folder", ["everything", ".", "--out", "out", "--calibration", `${odd}.json`]],
      ["--targets", ["calibrate", "--targets", `${odd}.json`, "--out", "calibration.json"]],
      ["--model", [...segment, "--model", `${odd}.pt`]],
      ["inspect", ["inspect", `${odd}.pt`]],
      ["the photo of studio", ["studio", `${odd}.png`, "--model", "region-tree", "--no-open"]],
    ])(`refuses ${odd} as %s at once`, (_, args) => refuse(args, /not a regular file/));

    it.concurrent.each<[string, string[]]>([
      ["--out", [...segment, "--out", `${odd}.png`]],
      ["--logits", [...segment, "--logits", `${odd}.npy`]],
      ["--out of ladder", ["ladder", photo, "--point", "60,60", "--out", `${odd}.png`]],
      ["--out of everything", ["everything", photo, "--out", `${odd}.coco.json`]],
      ["--out of calibrate", ["calibrate", photo, "--regions", "5", "--out", `${odd}.json`]],
      ["--preview", ["pseudo-label", ".", "--out", "labels", "--preview", `${odd}.png`]],
    ])(`writes no ${odd} as %s`, (_, args) => refuse(args, /is a pipe, a device or a socket/));
  }

  it("gives an assistant no file for a folder of photos", async () => {
    const roots = ["mcp", "--model", "region-tree", "--root", "own.png"];
    const { code, stderr } = await unsam(roots, { cwd: folder, timeout: 60_000 });
    expect(sentences(stderr)).toEqual([expect.stringContaining("There is no folder “own.png”")]);
    expect(code).toBe(1);
  });

  it.concurrent.each<[string, string[]]>([
    ["the mask over the overlay", [...segment, "--out", "a.png", "--overlay", "./a.png"]],
    ["the mask over the photo", ["segment", "own.png", "--point", "6,6", "--out", "link.png"]],
    ["the sheet over the photo", ["ladder", "own.png", "--point", "6,6", "--out", "own.png"]],
    ["one scene over another", ["everything", photo, "--out", "a.json", "--out", "folder.png/../a.json"]],
    ["the calibration over the targets", ["calibrate", "--targets", "config.json", "--out", "config.json"]],
  ])("does not write %s", (_, args) => refuse(args, /is the file of .+, too; give another name/));

  it("refuses a folder to write to, and a drawing, and leaves all as it was", async () => {
    await refuse([...segment, "--out", "folder.png"], /is a folder/);
    writeFileSync(
      at("drawing.png"),
      '<svg xmlns="http://www.w3.org/2000/svg" width="40000" height="40000"/>',
    );
    await refuse(["segment", "drawing.png", "--point", "6,6"], /SVG/);
    for (const end of ["png", "json", "npy"]) expect(lstatSync(at(`pipe.${end}`)).isFIFO()).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("reads a calibration that begins with a byte order mark", async () => {
    const written = await unsam([
      "calibrate",
      photo,
      "--regions",
      "5",
      "--out",
      at("calibration.json"),
      "--json",
    ]);
    expect(written.code).toBe(0);
    writeFileSync(at("marked.json"), `\ufeff${written.stdout}`);
    for (const args of [segment, ["everything", photo]]) {
      expect((await unsam([...args, "--calibration", at("marked.json")])).code).toBe(0);
    }
  });
});
