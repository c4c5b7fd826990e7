import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { EncodedImage, SceneHierarchy, UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { savedEncoding, savedPicture, savedScene } from "./saved-files.js";

let folder: string;
let unsam: UnSAM;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-saved-"));
  unsam = await UnSAM.load({ model: "region-tree" });
});
afterAll(async () => {
  await unsam.dispose();
  await rm(folder, { recursive: true });
});

describe("files of the first release", () => {
  it("a scene comes back, and is written again to the last byte", async () => {
    const file = path.join(folder, "scene.json");
    for (const text of [savedScene, `\ufeff${savedScene}`]) {
      await writeFile(file, text);
      const scene = await SceneHierarchy.load(file);
      expect(scene.masks.length).toBe(12);
      await scene.save(file);
      expect(await readFile(file, "utf8")).toBe(savedScene);
    }
  });

  it("an encoding comes back, answers like the photo's own, and is written again to the last byte", async () => {
    const file = path.join(folder, "encoding");
    await writeFile(file, savedEncoding);
    const saved = await EncodedImage.load(unsam, file);
    const fresh = await unsam.encode(savedPicture());
    for (const granularity of [0.1, 0.4, 0.7, 1]) {
      const prompt = { points: [[38, 8]] as const, granularity };
      const [a, b] = [await saved.segment(prompt), await fresh.segment(prompt)];
      expect(a.mask.equals(b.mask)).toBe(true);
      expect(a.score).toBe(b.score);
    }
    await saved.save(file);
    expect(savedEncoding.equals(await readFile(file))).toBe(true);
  });
});
