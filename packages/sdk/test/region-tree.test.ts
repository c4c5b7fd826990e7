import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadNative, type NativeStatus } from "@unsam/native-cuda";
import { EncodedImage, UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectGrowing } from "./growing-masks.js";

const photo = inRepository("docs", "images", "dragonfruit.jpg");
let unsam: UnSAM;
let native: NativeStatus;
let image: EncodedImage;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-sdk-"));
  unsam = await UnSAM.load({ model: "region-tree" });
  native = await loadNative({ cacheDir: null });
  image = await unsam.encode(photo);
});

afterAll(async () => {
  await unsam.dispose();
  await rm(folder, { recursive: true, force: true });
});

describe("the built-in model", () => {
  it("says what it is", () => {
    expect(unsam.model).toMatchObject({ name: "region-tree", kind: "region-tree", granularity: true });
    expect(unsam.model.description).toMatch(/official/);
    expect(unsam.model.kernels).toBe(native.binding ? "native" : "typescript");
  });

  it("answers a click with a mask around it that grows with the granularity", async () => {
    await expectGrowing(image, 211, 144);
  });

  it("reports the granularity that auto chose", async () => {
    const { granularity } = await image.segment({ points: [[211, 144]], granularity: "auto" });
    expect(granularity).toBeGreaterThanOrEqual(0);
    expect(granularity).toBeLessThanOrEqual(1);
  });

  it("keeps background clicks outside", async () => {
    const points = [
      [211, 144],
      [320, 144, "background"],
    ] as const;
    const { mask } = await image.segment({ points });
    expect(mask.has(211, 144)).toBe(true);
    expect(mask.has(320, 144)).toBe(false);
  });

  it("takes an earlier segment, its logits and its mask as a prompt", async () => {
    const first = await image.segment({ points: [[211, 144]], granularity: 0.6 });
    for (const mask of [first, first.logits, first.mask]) {
      const again = await image.segment({ mask });
      expect(again.mask.iou(first.mask)).toBeGreaterThan(0.8);
    }
  });

  it("gives concurrent calls the same answers as calls one after the other", async () => {
    const prompts = Array.from({ length: 12 }, (_, i) => ({
      points: [[40 * i + 20, 150] as const],
      granularity: 0.5,
    }));
    const together = await Promise.all(prompts.map((prompt) => image.segment(prompt)));
    for (const [i, prompt] of prompts.entries()) {
      expect((await image.segment(prompt)).mask.words).toEqual(together[i].mask.words);
    }
  });

  it("comes back from a file as it was, without the photo's pixels", async () => {
    const file = path.join(folder, "dragonfruit.safetensors");
    await image.save(file);
    await using loaded = await EncodedImage.load(unsam, file);
    const prompt = { points: [[211, 144]] as const, granularity: 0.4 };
    const [before, after] = [await image.segment(prompt), await loaded.segment(prompt)];
    expect(after.mask.words).toEqual(before.mask.words);
    expect(after.score).toBe(before.score);
    await expect(after.overlay()).rejects.toMatchObject({ code: "E_BAD_IMAGE" });
    const { width, height } = await sharp(await after.overlay({ image: photo })).metadata();
    expect([width, height]).toEqual([512, 300]);
  });

  it("refuses damaged files, whatever byte is wrong, and never crashes", async () => {
    const file = path.join(folder, "whole.safetensors");
    await image.save(file);
    const bytes = await readFile(file);
    const damaged = path.join(folder, "damaged.safetensors");
    await writeFile(damaged, bytes.subarray(0, bytes.length >> 1));
    await expect(EncodedImage.load(unsam, damaged)).rejects.toMatchObject({ code: "E_BAD_FILE" });
    // Flips across the arrays: either refused, or a tree that still answers.
    for (let i = 0; i < 40; i++) {
      const copy = Buffer.from(bytes);
      copy[Math.floor(((i + 0.5) / 40) * bytes.length)] ^= 0x81;
      await writeFile(damaged, copy);
      const outcome = await EncodedImage.load(unsam, damaged)
        .then((loaded) => loaded.segment({ points: [[211, 144]] }))
        .catch((error) => error.code);
      expect(outcome === "E_BAD_FILE" || outcome.mask.width === 512).toBe(true);
    }
  });

  it("draws an overlay of the photo's size", async () => {
    const { width, height, format } = await sharp(
      await (await image.segment({ points: [[211, 144]] })).overlay(),
    ).metadata();
    expect([width, height, format]).toEqual([512, 300, "png"]);
  });

  it("stops at an abort signal", async () => {
    const reason = new Error("enough");
    await expect(unsam.encode(photo, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(image.segment({ points: [[211, 144]] }, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const abort = new AbortController();
    const running = unsam.encode(photo, { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 5);
    await expect(running).rejects.toBe(reason);
  });

  it("refuses calls after dispose, and disposes twice quietly", async () => {
    const own = await UnSAM.load({ model: "region-tree" });
    const first = await own.encode(photo);
    await first.dispose();
    await first.dispose();
    await expect(first.segment({ points: [[1, 1]] })).rejects.toMatchObject({ code: "E_DISPOSED" });
    const second = await own.encode(photo);
    await own.dispose();
    await own.dispose();
    await expect(second.segment({ points: [[1, 1]] })).rejects.toMatchObject({ code: "E_DISPOSED" });
    await expect(own.encode(photo)).rejects.toMatchObject({ code: "E_DISPOSED" });
  });
});

describe("UnSAM.load", () => {
  it.each([
    [{ model: "micro" }, "E_BAD_OPTION"],
    [{ model: { file: "x.pt" } }, "E_BAD_OPTION"],
    [{ device: "tpu" }, "E_BAD_OPTION"],
    [{ threads: 0 }, "E_BAD_OPTION"],
    [{ colour: "red" }, "E_BAD_OPTION"],
    [{ model: { checkpoint: "no-such-file.pt" } }, "E_BAD_CHECKPOINT"],
    [{ model: { checkpoint: photo } }, "E_BAD_CHECKPOINT"],
    [{ model: { checkpoint: "x.pt", config: "no-such-file.json" } }, "E_BAD_CONFIG"],
    [{ model: { checkpoint: "x.pt", config: photo } }, "E_BAD_CONFIG"],
    [
      {
        model: {
          checkpoint: inRepository("packages", "core", "fixtures", "unsamv2-mini", "checkpoint.safetensors"),
          config: { model: 3 },
        },
      },
      "E_BAD_CONFIG",
    ],
  ])("refuses %j", async (options, code) => {
    await expect(UnSAM.load(options as object)).rejects.toMatchObject({ code });
  });
});
