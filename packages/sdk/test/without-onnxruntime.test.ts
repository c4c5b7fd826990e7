import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { parseNpy } from "@unsam/core/npy";
import { loadNative } from "@unsam/native-cuda";
import { inRepository, sharedRoot } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { framePaths, fixture as ofVideo } from "./video/video-fixture.js";

const OURS = ["core", "sdk", "native-cuda", "model-nano"];
const MISSING = /^onnxruntime-/;

const native = await loadNative({ cacheDir: null });
const describeWithAddon = native.binding ? describe : describe.skip;

describeWithAddon("an installation without onnxruntime-node", () => {
  let folder: string;

  // Copies of our packages, for Node resolves what they import from where they really lie; links to everybody else's.
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "unsam-without-"));
    const modules = path.join(folder, "node_modules");
    await mkdir(path.join(modules, "@unsam"), { recursive: true });
    for (const name of await readdir(inRepository("node_modules"))) {
      if (name === "@unsam" || name.startsWith(".") || MISSING.test(name)) continue;
      await symlink(inRepository("node_modules", name), path.join(modules, name), "junction");
    }
    for (const name of OURS) {
      const [from, to] = [inRepository("packages", name), path.join(modules, "@unsam", name)];
      for (const part of ["package.json", "dist", "weights"]) {
        await cp(path.join(from, part), path.join(to, part), { recursive: true }).catch((cause) => {
          if (part !== "weights") throw cause;
        });
      }
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function run(program: string, addon = (native as { path: string }).path): Promise<string> {
    const file = path.join(folder, "program.mjs");
    await writeFile(file, program);
    const env = { ...process.env, UNSAM_NATIVE: addon, UNSAM_CACHE: path.join(folder, "cache") };
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
    return stdout.trim();
  }

  const fixture = (name: string) => inRepository("packages/core/fixtures/unsamv2-mini", name);
  const model = JSON.stringify({
    model: { checkpoint: fixture("checkpoint.safetensors"), config: fixture("config.json") },
  });
  const photo = "{ data: new Uint8Array(300 * 200 * 3).fill(90), width: 300, height: 200, channels: 3 }";

  it("answers a click with a checkpoint", { timeout: 120_000 }, async () => {
    const out = await run(`
      import { UnSAM } from "@unsam/sdk";
      const absent = await import("onnxruntime-node").then(() => "installed", ({ code }) => code);
      const unsam = await UnSAM.load(${model});
      const image = await unsam.encode(${photo});
      const { mask, score } = await image.segment({ points: [[10, 10]], granularity: 0.5 });
      const { encoder, decoder } = unsam.model;
      console.log(absent, encoder, decoder, mask.width, mask.height, Number.isFinite(score));
    `);
    expect(out).toBe("ERR_MODULE_NOT_FOUND native native 300 200 true");
  });

  it("answers a click with nano, which is the default here, too", { timeout: 120_000 }, async () => {
    const out = await run(`
      import { UnSAM } from "@unsam/sdk";
      const unsam = await UnSAM.load();
      const image = await unsam.encode(${photo});
      const { mask } = await image.segment({ points: [[10, 10]], granularity: 0.5 });
      console.log(unsam.model.name, unsam.model.encoder, mask.width, mask.height, mask.has(10, 10));
    `);
    expect(out).toBe("nano native 300 200 true");
  });

  it.skipIf(sharedRoot === null)("follows an object through a video", { timeout: 120_000 }, async () => {
    const checkpoint = { checkpoint: ofVideo("checkpoint.safetensors"), config: ofVideo("config.json") };
    const out = await run(`
      import { UnSAM } from "@unsam/sdk";
      const unsam = await UnSAM.load(${JSON.stringify({ model: checkpoint })});
      const video = await unsam.openVideo(${JSON.stringify(framePaths(12))});
      await video.object().prompt(0, { points: [[32, 17]] });
      let logits;
      for await (const { objects } of video.track()) logits = [...objects.values()][0].logits.data;
      console.log(JSON.stringify([video.memory, ...logits]));
    `);
    const [memory, ...logits] = JSON.parse(out);
    expect(memory).toBe("native");
    const expected = parseNpy(await readFile(ofVideo("cases", "click.1.low_res_logits.npy"))).data.subarray(
      -4096,
    );
    const off = logits.map((value: number, i: number) => Math.abs(value - expected[i]));
    expect(off).toHaveLength(4096);
    expect(Math.max(...off)).toBeLessThan(0.1);
  });

  it("does not stand in for nano where ONNX Runtime was asked for", { timeout: 120_000 }, async () => {
    const out = await run(`
      import { UnSAM } from "@unsam/sdk";
      for (const options of [{ encoder: "onnx" }, { encoder: "onnx", model: "nano" }]) {
        console.log(await UnSAM.load(options).then(() => "loaded", ({ code }) => code));
      }
    `);
    expect(out).toBe("E_RUNTIME\nE_RUNTIME");
  });

  it("is well, says the doctor, though it has no ONNX Runtime", { timeout: 120_000 }, async () => {
    const out = await run(`
      import { diagnose } from "@unsam/sdk";
      const { ok, checks } = await diagnose();
      const [runtime, models] = ["ONNX Runtime", "models"].map((one) => checks.find(({ name }) => name === one));
      console.log(ok, runtime.ok, models.found);
    `);
    expect(out).toMatch(/^true true .*default: nano \(its encoder auto is native\)$/);
  });

  it.each(["encoder", "decoder"])(
    "says so where the %s is to run on it",
    { timeout: 120_000 },
    async (part) => {
      const out = await run(`
      import { UnSAM } from "@unsam/sdk";
      const options = { ...${model}, ${part}: "onnx" };
      console.log(await UnSAM.load(options).then(() => "loaded", ({ code, message }) => code + " " + message));
    `);
      expect(out).toMatch(
        /^E_RUNTIME ONNX Runtime is needed here and cannot be loaded: .*Install onnxruntime-node/,
      );
    },
  );

  it("names both ways out where there is no addon either", { timeout: 120_000 }, async () => {
    const out = await run(
      `
      import { diagnose, UnSAM } from "@unsam/sdk";
      for (const options of [${model}, { model: "nano" }]) {
        console.log(await UnSAM.load(options).then(() => "loaded", ({ code, message }) => code + " " + message));
      }
      const tree = await UnSAM.load({ model: "region-tree" });
      const image = await tree.encode(${photo});
      const { mask } = await image.segment({ points: [[10, 10]] });
      await tree.dispose();
      const { ok, checks } = await diagnose();
      console.log(ok, mask.area, checks.find(({ name }) => name === "models").found);
      const native = UnSAM.load({ encoder: "native" });
      console.log(await native.then(() => "loaded", ({ code, message }) => code + " " + message));
      const unnamed = await UnSAM.load();
      console.log(unnamed.model.name, unnamed.model.reasons.model);
      await unnamed.dispose();
    `,
      "off",
    );
    const both =
      /^E_RUNTIME ONNX Runtime is needed here.*npm i onnxruntime-node --ignore-scripts.*use the native addon/;
    expect(out.split("\n")).toEqual([
      expect.stringMatching(both),
      expect.stringMatching(both),
      expect.stringMatching(
        /^true 60000 .*here region-tree stands in .*neither the native addon nor ONNX Runtime/,
      ),
      expect.stringMatching(/^E_UNSUPPORTED There is no native encoder\. .*encoder: "auto" or "onnx" works/),
      expect.stringMatching(/^region-tree It stands in for "nano", the default.*npm i onnxruntime-node/),
    ]);
  });
});
