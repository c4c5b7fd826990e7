import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint, type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import { formatNpy, parseNpy } from "@unsam/core/npy";
import { Mask, UnSAM } from "@unsam/sdk";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRefusal, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

const photo = inRepository("docs", "images", "dragonfruit.jpg");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-cli-"));
  await writeFile(path.join(folder, "notes.txt"), "no image");
  await mkdir(path.join(folder, "empty"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("unsam segment", () => {
  it("writes mask, overlay and logits, and prints one JSON document", async () => {
    const [mask, overlay, logits] = ["mask.png", "overlay.png", "logits.npy"].map((name) =>
      path.join(folder, name),
    );
    const files = ["--out", mask, "--overlay", overlay, "--logits", logits];
    const { code, stdout } = await unsam([
      "segment",
      photo,
      "--point",
      "211,144",
      "--granularity",
      "0.5",
      "--json",
      ...files,
    ]);
    expect(code).toBe(0);
    await expectSchema("segment", stdout);
    const { segment } = JSON.parse(stdout);
    const written = await Mask.fromPNG(await readFile(mask));
    expect(written.area).toBe(segment.area);
    expect(Mask.fromRLE(segment.rle).equals(written)).toBe(true);
    expect(parseNpy(await readFile(logits)).shape).toEqual([1, 1, 256, 256]);
    expect((await readFile(overlay)).subarray(1, 4).toString()).toBe("PNG");
  });

  it("writes nothing unless asked, and says what it found", async () => {
    const before = await readdir(folder);
    const { code, stdout } = await unsam(["segment", photo, "--box", "130,60,280,220"], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/a mask of \d+ pixels/);
    expect(await readdir(folder)).toEqual(before);
  });

  it("tells of the other scales where auto chose", async () => {
    const args = ["segment", photo, "--point", "211,144", "--granularity", "auto"];
    const { code, stdout } = await unsam([...args, "--json"]);
    expect(code).toBe(0);
    await expectSchema("segment", stdout);
    const { segment, alternatives } = JSON.parse(stdout);
    expect(alternatives.length).toBeGreaterThan(0);
    for (const other of alternatives) expect(other.granularity).not.toBe(segment.granularity);
    expect((await unsam(args)).stdout).toMatch(/other scales: \d/);
  });

  it("takes its own logits as the next mask prompt", async () => {
    const logits = path.join(folder, "round.npy");
    expect((await unsam(["segment", photo, "--point", "211,144", "--logits", logits])).code).toBe(0);
    expect((await unsam(["segment", photo, "--mask-input", logits, "--point", "211,144"])).code).toBe(0);
  });

  const click = ["--point", "211,144"];
  it.each<[string, string[], RegExp]>([
    ["no image", [...click], /missing required argument/],
    ["no prompt", [photo], /no prompt/],
    ["a missing image", ["nowhere.jpg", ...click], /no file “nowhere\.jpg”/],
    ["a folder without images", ["empty", ...click], /is a folder without any photo/],
    ["a text file as image", ["notes.txt", ...click], /notes\.txt/],
    ["a point outside", [photo, "--point", "600,10"], /\(600, 10\) lies outside the image of 512 × 300/],
    ["a negative point", [photo, "--point", "-5,10"], /\(-5, 10\) lies outside/],
    ["NaN", [photo, "--point", "NaN,10"], /"NaN" is not a finite number/],
    ["words as a point", [photo, "--point", "here"], /not a finite number/],
    ["half a point", [photo, "--point", "12"], /Give X,Y/],
    ["an unknown label", [photo, "--point", "12,13,2"], /Give X,Y/],
    ["a box without area", [photo, "--box", "10,10,10,50"], /no area/],
    ["a box outside", [photo, "--box", "10,10,900,50"], /leaves the image/],
    ["granularity 7", [photo, ...click, "--granularity", "7"], /number from 0 to 1/],
    ["granularity tiny", [photo, ...click, "--granularity", "tiny"], /not a finite number/],
    ["an unknown flag", [photo, ...click, "--fast"], /unknown option/],
    ["an unknown model", [photo, ...click, "--model", "micro"], /neither a built-in model/],
    ["an image as model", [photo, ...click, "--model", photo], /dragonfruit\.jpg/],
    [
      "a config without checkpoint",
      [photo, ...click, "--config", "c.json"],
      /--config belongs to a checkpoint/,
    ],
    ["a missing mask input", [photo, "--mask-input", "no.npy"], /no file “no\.npy”/],
    ["a photo as mask input", [photo, "--mask-input", photo], /not a NumPy array/],
    ["a mask name that is no PNG", [photo, ...click, "--out", "mask.jpg"], /must end in \.png/],
    ["a folder that is not there", [photo, ...click, "--out", "no/such/mask.png"], /no folder/],
    ["a photo above the limit", [photo, ...click, "--max-pixels", "1000"], /512.*300/],
    ["zero threads", [photo, ...click, "--threads", "0"], /whole number/],
  ])("refuses %s with one sentence and exit code 2, and writes nothing", async (_, args, reason) => {
    const wanted = args.includes("--out") ? [] : ["--out", "wanted.png"];
    await expectRefusal(["segment", ...args, ...wanted, "--json"], folder, reason);
  });
});

describe("logits that go through a file", () => {
  /**
   * The small network, the head of its masks eight times as loud: its logits leave ±32 as those of real models do. As in
   * sdk/test/logit-prompts.test.ts: the two packages share no tests.
   */
  async function loudNetwork(): Promise<{ checkpoint: string; config: string }> {
    const fixture = (name: string) => inRepository("packages", "core", "fixtures", "unsamv2-mini", name);
    await using source = await openCheckpoint(fixture("checkpoint.safetensors"));
    const tensors: TensorToWrite[] = [];
    for (const name of source.tensors.keys()) {
      const { data, shape } = await source.read(name);
      const loud = name.startsWith("sam_mask_decoder.gra_output_token_mlp.layers.2.") ? 8 : 1;
      tensors.push({ name, shape, dtype: "float32", data: data.map((value) => loud * value) });
    }
    const checkpoint = path.join(folder, "loud.safetensors");
    await writeSafetensors(checkpoint, tensors);
    return { checkpoint, config: fixture("config.json") };
  }

  it("refine an answer as the segment itself does in one process", async () => {
    const model = await loudNetwork();
    const logits = path.join(folder, "loud.npy");
    const common = [photo, "--model", model.checkpoint, "--config", model.config, "--point", "300,120"];
    expect((await unsam(["segment", ...common, "--logits", logits])).code).toBe(0);
    const { data } = parseNpy(await readFile(logits));
    expect(Math.max(...data.map(Math.abs))).toBeGreaterThan(40);
    const { code, stdout } = await unsam(["segment", ...common, "--mask-input", logits, "--json"]);
    expect(code).toBe(0);

    await using loaded = await UnSAM.load({ model });
    const image = await loaded.encode(photo);
    const points = [[300, 120]] as const;
    const refined = await image.segment({ points, mask: await image.segment({ points }) });
    const { segment } = JSON.parse(stdout);
    expect(segment.rle).toEqual(refined.mask.toRLE());
    expect([segment.score, segment.objectScore, segment.stability]).toEqual([
      refined.score,
      refined.objectScore,
      refined.stability,
    ]);
    // Three times the network; on a busy machine half a minute is not enough.
  }, 120_000);

  it("are refused in a shape that no answer has", async () => {
    const file = path.join(folder, "shape.npy");
    for (const shape of [
      [1, 1, 2, 3],
      [1, 65_536],
      [300, 511],
    ]) {
      const data = new Float32Array(shape.reduce((a, b) => a * b)).fill(1);
      await writeFile(file, formatNpy({ data, shape }));
      const { code, stderr } = await unsam(["segment", photo, "--mask-input", file]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/mask prompt has shape/);
    }
  });
});

describeWithShared("unsam segment with a checkpoint", () => {
  it("runs a click on the mini UnSAMv2 model", async () => {
    const fixture = (...parts: string[]) => shared("parity", "unsamv2-mini", ...parts);
    const model = ["--model", fixture("checkpoint.pt"), "--config", fixture("config.json")];
    const logits = path.join(folder, "mini.npy");
    const args = ["--point", "195,148", "--granularity", "0.5", "--json", "--logits", logits];
    const { code, stdout } = await unsam(["segment", fixture("img0.png"), ...model, ...args]);
    expect(code).toBe(0);
    await expectSchema("segment", stdout);
    const found = parseNpy(await readFile(logits));
    const wanted = parseNpy(await readFile(fixture("cases", "i0-click-g050.low_res_logits.npy")));
    expect(found.shape).toEqual(wanted.shape);
    expect(Math.max(...found.data.map((value, i) => Math.abs(value - wanted.data[i])))).toBeLessThan(1.5e-3);
  });

  it("asks for a configuration where the size is not an official one", async () => {
    const checkpoint = shared("parity", "unsamv2-mini", "checkpoint.pt");
    const { code, stderr } = await unsam(["segment", photo, "--model", checkpoint, "--point", "1,1"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/config/);
  });
});
