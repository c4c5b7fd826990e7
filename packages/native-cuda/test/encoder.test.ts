import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { NativeImageEncoder } from "#native/encoder-binding.js";
import { loadMatrices, SYNTHETIC_ENCODER, syntheticEncoderWeights } from "#native/synthetic-model.js";
import { ADDON, addon, BAD_ENCODE_OPTIONS, describeWithAddon, THREADS } from "./addon.js";

const FLOAT32 = { precision: "float32" } as const;
const { vectors, matrix } = syntheticEncoderWeights();
const QKV = "image_encoder.trunk.blocks.0.attn.qkv.weight";

async function encoderOf(): Promise<NativeImageEncoder> {
  const encoder = await addon().createImageEncoder(SYNTHETIC_ENCODER, vectors, FLOAT32);
  await loadMatrices(encoder, matrix);
  return encoder;
}

/** Anything at all, as if it were what the types ask for. */
const wrong = (value: unknown) => value as never;
const photo = { width: 2, height: 2, data: new Uint8Array(12).fill(9) };

describeWithAddon("misuse of the image encoder ends in typed errors", () => {
  const plans: Record<string, unknown> = {
    "no object": 7,
    "nothing in it": {},
    "an image size that is no multiple of 32": { ...SYNTHETIC_ENCODER, imageSize: 65 },
    "an image size beyond all": { ...SYNTHETIC_ENCODER, imageSize: 2 ** 40 },
    "no blocks": { ...SYNTHETIC_ENCODER, blocks: [] },
    "blocks that are none": { ...SYNTHETIC_ENCODER, blocks: [1, 2] },
    "four thousand million blocks": { ...SYNTHETIC_ENCODER, blocks: new Array(2 ** 32 - 1) },
    "no heads": {
      ...SYNTHETIC_ENCODER,
      blocks: SYNTHETIC_ENCODER.blocks.map((block) => ({ ...block, heads: 0 })),
    },
    "a level that does not exist": {
      ...SYNTHETIC_ENCODER,
      neck: { ...SYNTHETIC_ENCODER.neck, topDownLevels: [4] },
    },
    "a NaN epsilon": { ...SYNTHETIC_ENCODER, normEps: Number.NaN },
  };
  it.each(Object.entries(plans))("a plan with %s", async (_, plan) => {
    await expect(addon().createImageEncoder(wrong(plan), vectors, FLOAT32)).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
  });

  it("weights that are missing, misshapen, unknown or given twice", async () => {
    const { no_mem_embed, ...others } = vectors;
    const create = (weights: typeof vectors) =>
      addon().createImageEncoder(SYNTHETIC_ENCODER, weights, FLOAT32);
    await expect(create(others)).rejects.toMatchObject({ code: "E_BAD_CHECKPOINT" });
    const short = { no_mem_embed: { data: no_mem_embed.data.subarray(1), shape: no_mem_embed.shape } };
    await expect(create({ ...others, ...short })).rejects.toMatchObject({ code: "E_BAD_CHECKPOINT" });
    const encoder = await create(vectors);
    await expect(encoder.encode(photo, THREADS)).rejects.toMatchObject({
      code: "E_BAD_CHECKPOINT",
      message: expect.stringContaining("was not loaded"),
    });
    const bad = { code: "E_BAD_CHECKPOINT" };
    await expect(encoder.load("nothing", matrix(QKV))).rejects.toMatchObject(bad);
    await expect(encoder.load(QKV, no_mem_embed)).rejects.toMatchObject(bad);
    await expect(encoder.load(QKV, wrong(null))).rejects.toMatchObject(bad);
    await encoder.load(QKV, matrix(QKV));
    await expect(encoder.load(QKV, matrix(QKV))).rejects.toMatchObject(bad);
  });

  const images: Record<string, unknown> = {
    "no object": null,
    "nothing in it": {},
    "fewer bytes than pixels": { width: 3, height: 3, data: new Uint8Array(26) },
    "no pixels": { width: 0, height: 0, data: new Uint8Array(0) },
    "sides whose product overflows": { width: 2 ** 52, height: 2 ** 52, data: new Uint8Array(0) },
    "pixels of another size": { pixels: new Float32Array(5) },
    "pixels of another type": { pixels: new Float64Array(3 * 64 * 64) },
  };
  it.each(Object.entries(images))("an image with %s", async (_, image) => {
    const encoder = await encoderOf();
    await expect(encoder.encode(wrong(image), THREADS)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  });

  it.each(BAD_ENCODE_OPTIONS)("options that are %j", async (options) => {
    const encoder = await encoderOf();
    await expect(encoder.encode(photo, wrong(options))).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  });

  it("methods on other objects, constructors, disposed encoders", async () => {
    const { ImageEncoder } = addon();
    expect(() => new ImageEncoder()).toThrow(/createImageEncoder/);
    const other = { matrices: ImageEncoder.prototype.matrices };
    expect(() => other.matrices()).toThrow(/no ImageEncoder|Illegal invocation/);
    const encoder = await encoderOf();
    encoder.dispose();
    expect(() => encoder.matrices()).toThrow(/disposed/);
    await expect(encoder.encode(photo, THREADS)).rejects.toMatchObject({ code: "E_DISPOSED" });
  });
});

/** Runs a script of its own process and tells how it ended, and after how many milliseconds. */
function run(script: string, ...args: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const file = fileURLToPath(new URL(`./scripts/${script}`, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, ["--expose-gc", file, ADDON, ...args], (error, out, err) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, out: out.trim(), err });
    });
  });
}

describeWithAddon("lifetime of image encoders", () => {
  it("memory stays flat over 200 images and 20 encoders", { timeout: 300_000 }, async () => {
    const { code, out, err } = await run("encoder-memory.mjs");
    expect(err).toBe("");
    expect(code).toBe(0);
    // Results that leak would be 160 MiB.
    expect(Number(out)).toBeLessThan(20);
  });

  describe.each(["main", "worker"])("in the %s thread", (thread) => {
    it("an exit that cancels an encode waits for a fraction of it", { timeout: 300_000 }, async () => {
      const { code, out, err } = await run("exit-while-encoding.mjs", thread);
      expect(err).toBe("");
      expect(code).toBe(7);
      const [encode, exit] = out.split(" ").map(Number);
      // A ceiling that holds on a busy machine: otherwise it would be three quarters.
      expect(exit).toBeLessThan(encode / 2);
    });
  });
});
