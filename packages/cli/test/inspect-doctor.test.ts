import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeSafetensors } from "@unsam/core/checkpoint";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-inspect-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("unsam doctor", () => {
  it("reports as text and as JSON", async () => {
    const [text, json] = await Promise.all([unsam(["doctor"]), unsam(["doctor", "--json"])]);
    expect([text.code, json.code]).toEqual([0, 0]);
    const { ok, checks } = JSON.parse(json.stdout);
    expect(ok).toBe(true);
    const names = checks.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        "node",
        "processor",
        "ONNX Runtime",
        "native addon",
        "device",
        "ffmpeg",
        "models",
        "cache",
        "trial",
        "defaults",
      ]),
    );
    for (const name of names) expect(text.stdout).toContain(name);
    expect(checks.find(({ name }: { name: string }) => name === "trial")).toMatchObject({
      ok: true,
      needed: true,
      found: expect.stringMatching(/^\S+ found \d+ pixels under a click/),
    });
    expect(text.stdout).toMatch(/^everything works/m);
    expect(text.stdout).toContain("UnSAMv2");
    expect(text.stdout).toContain("auto is the processor: CUDA is used only where it is asked for");
    expect(text.stdout).toMatch(/encoder and decoder auto are (native|ONNX Runtime)/);
  });
});

describe("flags that would make no difference are refused", () => {
  const board = inRepository("docs", "images", "fruit-board.jpg");
  const click = [board, "--point", "323,123"];
  it.each<[string, string[], RegExp]>([
    [
      "segment",
      [...click, "--multimask"],
      /multimask is true, but nano gives one mask a prompt; leave it out/,
    ],
    ["ladder", [...click, "--tile", "100"], /--tile is of the contact sheet; give --out/],
    ["everything", [board, "--levels", "3"], /levels is 3, but regions of all granularities.*leave it out/],
    [
      "everything",
      [board, "--points-per-side", "9"],
      /pointsPerSide is 9, but regions are not sought by clicks/,
    ],
    [
      "everything",
      [board, "--granularity", "0.4", "--levels", "3", "--prompting", "grid"],
      /granularity is none/,
    ],
    ["everything", [board, "--at", "0.4", "--json"], /--at says which granularities pictures show/],
    [
      "everything",
      ["FOLDER/photos", "--out", "FOLDER/out", "--at", "0.4"],
      /--at says which granularities pictures show/,
    ],
    ["everything", ["FOLDER/photos", "--out", "FOLDER/out", "--levels", "3"], /levels is 3/],
  ])("%s %j", async (command, args, message) => {
    await mkdir(path.join(folder, "photos"), { recursive: true });
    await copyFile(board, path.join(folder, "photos", "board.jpg"));
    const given = args.map((arg) => arg.replace("FOLDER", folder));
    const { code, stdout, stderr } = await unsam([command, ...given]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(existsSync(path.join(folder, "out"))).toBe(false);
  });
});

describe("flags about a checkpoint", () => {
  it.each([
    ["segment", ["PHOTO", "--point", "1,1", "--weights", "ema"]],
    ["ladder", ["PHOTO", "--point", "1,1", "--model", "nano", "--weights", "ema"]],
    ["everything", ["FOLDER", "--out", "FOLDER/out", "--config", "c.json"]],
    ["eval", ["--data", "FOLDER", "--model", "region-tree", "--weights", "ema"]],
    ["pseudo-label", ["FOLDER", "--out", "FOLDER/out", "--weights", "ema"]],
    ["pseudo-label", ["FOLDER", "--out", "FOLDER/out", "--config", "c.json"]],
  ])("%s %j: refused where no checkpoint is given", async (command, args) => {
    await copyFile(inRepository("docs", "images", "granularity.png"), path.join(folder, "photo.png"));
    const files = args.map((arg) => arg.replace("PHOTO", `${folder}/photo.png`).replace("FOLDER", folder));
    const { code, stdout, stderr } = await unsam([command, ...files]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/--(weights|config) belongs to a checkpoint; give --model FILE with it/);
    expect(existsSync(path.join(folder, "out"))).toBe(false);
  });
});

describe.skipIf(process.platform === "win32")("unsam doctor and the cache", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "unsam-doctor-"));
    mkdirSync(path.join(folder, "open"));
    chmodSync(path.join(folder, "open"), 0o777);
    symlinkSync(path.join(folder, "open"), path.join(folder, "link"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ["open", /is not used: it may be written by other users; .*chmod go-w/],
    ["link", /is not used: it is a link/],
    [path.join("open", "below"), /is not used: it lies in “.*open”, which may be written by other users/],
  ])("says why it is not used, and puts nothing into it: %s", async (name, problem) => {
    const { code, stdout } = await unsam(["doctor", "--json"], {
      env: { UNSAM_CACHE: path.join(folder, name) },
    });
    // Everything works, only slower.
    expect(code).toBe(0);
    const { ok, checks } = JSON.parse(stdout);
    expect(ok).toBe(true);
    const cache = checks.find((check: { name: string }) => check.name === "cache");
    expect(cache).toMatchObject({ ok: false, needed: false, found: expect.stringMatching(problem) });
    expect(cache.advice).toContain("UNSAM_CACHE");
    expect(readdirSync(path.join(folder, "open"))).toEqual([]);
  });

  // Node's own recursive mkdir never comes back from there.
  it.runIf(process.platform === "linux")("comes to an end where no folder can be made", async () => {
    const { code } = await unsam(["doctor"], { env: { UNSAM_CACHE: "/proc/none/cache" } });
    expect(code).not.toBeNull();
    const out = await unsam(["everything", inRepository("docs", "images"), "--out", "/proc/none/out"]);
    expect([out.code, sentences(out.stderr)]).toEqual([1, [expect.stringMatching(/cannot be made: ENOENT/)]]);
  });
});

describe("unsam", () => {
  it("shows help and its version with exit code 0", async () => {
    expect(await unsam(["--help"])).toMatchObject({ code: 0, stderr: "" });
    expect((await unsam(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("refuses an unknown command with exit code 2", async () => {
    expect(await unsam(["fly"])).toMatchObject({ code: 2, stdout: "" });
  });
});

describeWithShared("unsam inspect", () => {
  it("tells what a checkpoint holds", async () => {
    const checkpoint = shared("parity", "unsamv2-mini", "checkpoint.pt");
    const config = shared("parity", "unsamv2-mini", "config.json");
    const { code, stdout } = await unsam(["inspect", checkpoint, "--config", config, "--json"]);
    expect(code).toBe(0);
    await expectSchema("inspect", stdout);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ format: "pt", byteLength: 22503104, dtypes: ["float32"], problem: null });
    expect(report.model).toMatch(/UnSAMv2/);
    expect(report).toMatchObject({
      weights: "model",
      places: [{ key: "model", tensors: 441 }],
      otherTensors: 0,
    });
    const named = report.tensors.find(
      ({ name }: { name: string }) => name === "sam_mask_decoder.gra_token.weight",
    );
    expect(named).toMatchObject({ shape: [1, 256] });
  });

  it("lists the places where a file holds several models, and looks at the one that is asked for", async () => {
    const file = path.join(folder, "two.safetensors");
    const marks = ["image_encoder.trunk.pos_embed", "sam_mask_decoder.iou_token.weight"];
    const tensors = ["model.", "ema.module.", "optimizer."].flatMap((prefix) =>
      (prefix === "optimizer." ? ["step"] : marks).map((name) => ({
        name: prefix + name,
        dtype: "float32" as const,
        shape: [2],
        data: Float32Array.of(1, 2),
      })),
    );
    await writeSafetensors(file, tensors);
    const all = await unsam(["inspect", file, "--json"]);
    await expectSchema("inspect", all.stdout);
    expect(JSON.parse(all.stdout)).toMatchObject({
      weights: null,
      places: [
        { key: "model", tensors: 2 },
        { key: "ema.module", tensors: 2 },
      ],
      tensors: { length: 5 },
      problem: expect.stringContaining("holds the weights of 2 models"),
    });
    const one = await unsam(["inspect", file, "--weights", "ema"]);
    expect(one.stdout).toContain("weights: ema.module; there are model (2 tensors), ema.module (2 tensors)");
    expect(one.stdout).toContain("3 other tensors are passed over");
    expect(one.stdout).toMatch(/^image_encoder\.trunk\.pos_embed/m);
    const none = await unsam(["inspect", file, "--weights", "best"]);
    expect([none.code, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toMatch(/weights is “best”, which is no place in it/);
  });

  it.each(["pickle-call.pt", "truncated.pt", "header-too-long.safetensors"])("refuses %s", async (name) => {
    const { code, stdout, stderr } = await unsam(["inspect", shared("parity", "hostile", name)]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(sentences(stderr)).toHaveLength(1);
  });
});
