import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { EncodedImage, UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectGrowing } from "./growing-masks.js";

const photo = inRepository("docs", "images", "fruit-board.jpg");
let unsam: UnSAM;
let image: EncodedImage;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-nano-"));
  unsam = await UnSAM.load({ model: "nano" });
  image = await unsam.encode(photo);
});

afterAll(async () => {
  await unsam.dispose();
  await rm(folder, { recursive: true, force: true });
});

describe("the nano model", () => {
  it("says what it is", () => {
    expect(unsam.model).toMatchObject({ name: "nano", granularity: true, decoder: "none" });
    expect(unsam.model.description).toMatch(/trained without labels/);
    expect(["native", "onnx"]).toContain(unsam.model.encoder);
    expect(unsam.model.reasons.encoder).toMatch(/^.{10,}\.$/s);
  });

  it("is the default where it runs", async () => {
    await using unnamed = await UnSAM.load();
    expect(unnamed.model.name).toBe("nano");
    expect(unnamed.model.reasons.model).toBe("It is the default: the best built-in model.");
    expect(unsam.model.reasons.model).toBe("It was asked for.");
  });

  it("does not stand in for a default that was asked for what it cannot do", async () => {
    await expect(UnSAM.load({ device: "cuda" })).rejects.toThrow(
      /The model "nano" has no part that could do device: "cuda"/,
    );
    const reason = new Error("enough");
    await expect(UnSAM.load({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("answers a click with a mask around it that grows with the granularity", async () => {
    await expectGrowing(image, 323, 123);
  });

  it("sees something else than the plain region tree", async () => {
    await using plain = await UnSAM.load({ model: "region-tree" });
    const other = await plain.encode(photo);
    const grid = [80, 160, 240, 320, 400].flatMap((x) => [60, 140, 220].map((y) => [x, y] as const));
    const prompts = grid.map((point) => ({ points: [point], granularity: 0.5 }));
    const [ours, theirs] = await Promise.all([image.segmentAll(prompts), other.segmentAll(prompts)]);
    const alike = ours.filter(({ mask }, i) => mask.iou(theirs[i].mask) > 0.99).length;
    expect(alike).toBeLessThan(grid.length / 2);
  });

  it("gives the same answers again, whatever sizes came between", async () => {
    const prompt = { points: [[323, 123]], granularity: 0.6 } as const;
    const { mask } = await image.segment(prompt);
    for (const side of [33, 64, 100, 130, 200]) {
      const data = new Uint8Array(side * side * 3).map((_, i) => (i * 7) % 251);
      await (await unsam.encode({ data, width: side, height: side, channels: 3 })).dispose();
    }
    const again = await unsam.encode(photo);
    expect((await again.segment(prompt)).mask.words).toEqual(mask.words);
  });

  it("takes the smallest images", async () => {
    const one = await unsam.encode({ data: new Uint8Array([9, 9, 9]), width: 1, height: 1, channels: 3 });
    expect((await one.segment({ points: [[0, 0]] })).mask.area).toBe(1);
  });

  it("keeps encoded images on disk, bound to its weights", async () => {
    const file = path.join(folder, "image.unsam");
    await image.save(file);
    const restored = await EncodedImage.load(unsam, file);
    const prompt = { points: [[323, 123]], granularity: 0.4 } as const;
    expect((await restored.segment(prompt)).mask.words).toEqual((await image.segment(prompt)).mask.words);
    await using plain = await UnSAM.load({ model: "region-tree" });
    await expect(EncodedImage.load(plain, file)).rejects.toMatchObject({ code: "E_BAD_FILE" });
  });

  it("lets go of a call that is aborted", async () => {
    const reason = new Error("enough");
    await expect(unsam.encode(photo, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("is gone after dispose", async () => {
    const mine = await UnSAM.load({ model: "nano" });
    await mine.dispose();
    await mine.dispose();
    await expect(mine.encode(photo)).rejects.toMatchObject({ code: "E_DISPOSED" });
  });
});
