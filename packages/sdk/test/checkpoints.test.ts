import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint, type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import { EncodedImage, inspectCheckpoint, UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const fixture = inRepository("packages", "core", "fixtures", "unsamv2-mini");
const config = path.join(fixture, "config.json");
const original = path.join(fixture, "checkpoint.safetensors");
const width = 96;
const photo = {
  data: Uint8Array.from({ length: width * width * 3 }, (_, i) => (i * 7919 + (i >> 5) * 31) % 256),
  width,
  height: width,
  channels: 3 as const,
};

let folder: string;
let tensors: TensorToWrite[];
let expected: Float32Array;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-checkpoints-"));
  await using checkpoint = await openCheckpoint(original);
  tensors = await Promise.all(
    [...checkpoint.tensors.keys()].map(async (name) => ({
      name,
      dtype: "float32" as const,
      ...(await checkpoint.read(name)),
    })),
  );
  expected = await logitsOf({ checkpoint: original, config });
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

const prefixed = (prefix: string) =>
  tensors.map((one) => ({ ...one, name: prefix + one.name }) as TensorToWrite);
/** The same model with another answer. */
const changed = (prefix: string) =>
  prefixed(prefix).map((one) =>
    one.name.endsWith("gra_token.weight") && one.dtype === "float32"
      ? { ...one, data: one.data.map((value) => -value) }
      : one,
  );

async function logitsOf(model: {
  checkpoint: string;
  config?: string;
  weights?: string;
}): Promise<Float32Array> {
  await using unsam = await UnSAM.load({ model });
  await using image = await unsam.encode(photo);
  return (await image.segment({ points: [[40, 40]], granularity: 0.4 })).logits.data;
}

describe("the same weights, as people have them, give the same bits", () => {
  it("below prefixes, beside an optimizer", async () => {
    const checkpoint = path.join(folder, "prefixed.safetensors");
    const step = { name: "optimizer.step", dtype: "float32", shape: [1], data: Float32Array.of(3) } as const;
    await writeSafetensors(checkpoint, [...prefixed("checkpoint.model.module._orig_mod."), step]);
    expect(await logitsOf({ checkpoint, config })).toEqual(expected);
  });

  it("in shards, by the index and by the folder", async () => {
    const half = tensors.length >> 1;
    await writeSafetensors(path.join(folder, "1.safetensors"), tensors.slice(0, half));
    await writeSafetensors(path.join(folder, "2.safetensors"), tensors.slice(half));
    const map = tensors.map(({ name }, i) => [name, i < half ? "1.safetensors" : "2.safetensors"]);
    const index = path.join(folder, "model.safetensors.index.json");
    await writeFile(index, JSON.stringify({ weight_map: Object.fromEntries(map) }));
    expect(await logitsOf({ checkpoint: index, config })).toEqual(expected);
    expect(await logitsOf({ checkpoint: folder, config })).toEqual(expected);
    expect(await inspectCheckpoint(folder, { config })).toMatchObject({
      shards: ["1.safetensors", "2.safetensors"],
      problem: null,
    });
  });

  it("beside those of another model, by the key; what was made with one is not used with the other", async () => {
    const checkpoint = path.join(folder, "two.safetensors");
    await writeSafetensors(checkpoint, [...prefixed("model."), ...changed("ema.module.")]);
    await expect(UnSAM.load({ model: { checkpoint, config } })).rejects.toMatchObject({
      code: "E_BAD_CHECKPOINT",
      message: expect.stringMatching(
        /weights of 2 models: “model” \(\d+ tensors\), “ema\.module” \(\d+ tensors\)/,
      ),
    });
    await expect(UnSAM.load({ model: { checkpoint, config, weights: "best" } })).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
    expect(await logitsOf({ checkpoint, config, weights: "model" })).toEqual(expected);
    expect(await logitsOf({ checkpoint, config, weights: "ema" })).not.toEqual(expected);

    const saved = path.join(folder, "saved.safetensors");
    await using first = await UnSAM.load({ model: { checkpoint, config, weights: "model" } });
    expect(first.model.description).toContain('Its weights are "model", of 2 in the file.');
    await using image = await first.encode(photo);
    await image.save(saved);
    await using second = await UnSAM.load({ model: { checkpoint, config, weights: "ema" } });
    await expect(EncodedImage.load(second, saved)).rejects.toMatchObject({ code: "E_BAD_FILE" });
  });
});

describe("configurations", () => {
  it.each<[string, string | null, RegExp]>([
    ["nothing.json", null, /There is no file “.*nothing\.json”/],
    ["text.json", "image_size: 64", /is not JSON/],
    ["official.yaml", "image_size: 64", /is YAML; give the same keys as JSON/],
    ["wrong.json", '{"image_size": "big"}', /wrong at "image_size"/],
    ["bom.json", '\ufeff{"image_size": 63}', /wrong at "image_size"/],
  ])("%s is refused for what is wrong with it", async (name, content, reason) => {
    const file = path.join(folder, name);
    if (content !== null) await writeFile(file, content);
    await expect(UnSAM.load({ model: { checkpoint: original, config: file } })).rejects.toMatchObject({
      code: "E_BAD_CONFIG",
      message: expect.stringMatching(reason),
    });
  });
});
