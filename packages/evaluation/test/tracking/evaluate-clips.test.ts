import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Engine } from "@unsam/core/engine";
import { openModel } from "@unsam/core/families";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClips } from "#evaluation/datasets/clips/open-clips.js";
import { evaluateClips } from "#evaluation/tracking/evaluate-clips.js";
import { frameName, writePng } from "./small-clips.js";

const SIZE = [64, 48] as const;
const squareAt = (t: number, offset: number) => (x: number, y: number) =>
  x >= 8 + 3 * t && x < 22 + 3 * t && y >= 4 + offset && y < 18 + offset;

const write = (file: string, value: (x: number, y: number) => number) => writePng(file, value, SIZE);
const shade = (t: number) => (x: number, y: number) =>
  squareAt(t, 0)(x, y) ? 230 : squareAt(t, 24)(x, y) ? 20 : 100 + ((x * 7 + y * 13) % 20);

describe("annotated clips", () => {
  let folder: string;
  let engine: Engine;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "unsam-clips-"));
    engine = await openModel("region-tree");
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it("in the layout of DAVIS are scored between the first frame and the last", async () => {
    const root = path.join(folder, "davis");
    for (let t = 0; t < 5; t++) {
      await write(path.join(root, "JPEGImages/480p/squares", frameName(t)), shade(t));
      // The last frame is wrong on purpose, for it is not scored; 255 does not count.
      const map = (x: number, y: number) =>
        y === 47 ? 255 : t === 4 ? 0 : squareAt(t, 0)(x, y) ? 1 : squareAt(t, 24)(x, y) ? 2 : 0;
      await write(path.join(root, "Annotations/480p/squares", frameName(t)), map);
    }
    const [clip] = await openClips(root);
    expect(clip).toMatchObject({
      name: "squares",
      layout: "davis",
      annotated: [0, 1, 2, 3, 4],
      isSingle: false,
    });
    const { objects, J, F, JandF } = await evaluateClips(engine, [clip]);
    expect(objects.map(({ object, frames }) => [object, frames])).toEqual([
      ["1", 3],
      ["2", 3],
    ]);
    expect(J.mean).toBeGreaterThan(0.9);
    expect(F.mean).toBeGreaterThan(0.95);
    expect(J.mean).toBeCloseTo((objects[0].J.mean + objects[1].J.mean) / 2, 12);
    expect(JandF).toBeCloseTo((J.mean + F.mean) / 2, 12);
  });

  it("in the layout of SA-V are scored on every fourth frame, each object from where it comes", async () => {
    const root = path.join(folder, "sa-v");
    for (let t = 0; t < 13; t++) {
      await write(path.join(root, "JPEGImages_24fps/clip", frameName(t)), shade(t));
      if (t % 4 > 0) continue;
      for (const [object, offset] of [
        ["000", 0],
        ["001", 24],
      ] as const) {
        if (object === "001" && t === 0) continue;
        const map = (x: number, y: number) => (squareAt(t, offset)(x, y) ? 255 : 0);
        await write(path.join(root, "Annotations_6fps/clip", object, frameName(t)), map);
      }
    }
    const clips = await openClips(root);
    expect(clips[0]).toMatchObject({ layout: "sa-v", annotated: [0, 4, 8, 12] });
    const { objects, J } = await evaluateClips(engine, clips);
    expect(objects.map(({ object, frames }) => [object, frames])).toEqual([
      ["000", 2],
      ["001", 1],
    ]);
    expect(J.mean).toBeGreaterThan(0.85);
  });

  it("are refused where there are none, or a mask belongs to no frame", async () => {
    await expect(openClips(folder)).rejects.toMatchObject({ code: "E_BAD_FILE" });
    const root = path.join(folder, "odd");
    await write(path.join(root, "JPEGImages/480p/one/00000.png"), shade(0));
    await write(path.join(root, "Annotations/480p/one/00007.png"), () => 1);
    await expect(openClips(root)).rejects.toThrow(/belongs to no frame/);
  });
});
