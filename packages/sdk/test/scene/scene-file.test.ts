import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { SceneHierarchy, UnSAMError } from "@unsam/sdk";
import { pseudoRandom } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomScene, someScenes } from "./scenes.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-scene-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const base64 = (array: ArrayBufferView) =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");

/** Everything a user can see of a scene. */
function contents(scene: SceneHierarchy) {
  return {
    size: [scene.width, scene.height],
    masks: scene.masks.map((mask) => ({
      words: base64(mask.mask.words),
      score: mask.score,
      stability: mask.stability,
      granularity: mask.granularity,
      point: mask.point,
      range: mask.range,
      parent: mask.parent?.id ?? null,
      children: mask.children.map(({ id }) => id),
    })),
    levels: scene.levels,
    contours: [scene.contours.right, scene.contours.below].map(base64),
    maps: [0, 0.3, 0.6, 1].map((g) => base64(scene.at(g).labels)),
  };
}

describe("a scene file", () => {
  it("brings every scene back as it was", async () => {
    const file = path.join(folder, "random.json");
    for (let seed = 1; seed <= 60; seed++) {
      const scene = await randomScene(pseudoRandom(seed));
      await scene.save(file);
      expect(contents(await SceneHierarchy.load(file)), `seed ${seed}`).toEqual(contents(scene));
    }
    for (const { name, scene } of await someScenes()) {
      await scene.save(file);
      expect(contents(await SceneHierarchy.load(file)), name).toEqual(contents(scene));
    }
    expect(await readdir(folder)).toEqual(["random.json"]);
  });

  it("says what is wrong with a damaged one, whatever it is", async () => {
    const random = pseudoRandom(5);
    const scene = await randomScene(random, 9);
    const file = path.join(folder, "damaged.json");
    await scene.save(file);
    const whole = await readFile(file, "utf8");
    const pieces = [
      "{",
      "}",
      "[",
      "]",
      '"',
      "0",
      "-1",
      "1e999",
      "null",
      ",",
      "x",
      "\u0000",
      "~",
      "99999999999",
    ];
    for (let i = 0; i < 300; i++) {
      let text = whole;
      for (let n = 0; n < 1 + random() * 3; n++) {
        const at = Math.floor(random() * text.length);
        const piece = pieces[Math.floor(random() * pieces.length)];
        const cut = Math.floor(random() * 6);
        text = text.slice(0, at) + piece + text.slice(at + cut);
      }
      await writeFile(file, text);
      try {
        // Some damage is none: a digit of a score.
        await SceneHierarchy.load(file);
      } catch (error) {
        expect(error, text).toBeInstanceOf(UnSAMError);
        expect((error as UnSAMError).code, text).toBe("E_BAD_FILE");
        expect((error as UnSAMError).message).toContain(file);
      }
    }
  });

  it.each([
    ["no JSON", "not json"],
    ["no object", "[]"],
    ["another format", '{"format":"coco"}'],
    [
      "a later version",
      '{"format":"unsam-scene","version":2,"width":1,"height":1,"containment":0.8,"masks":[]}',
    ],
    [
      "a size of nothing",
      '{"format":"unsam-scene","version":1,"width":0,"height":1,"containment":0.8,"masks":[]}',
    ],
    [
      "a size beyond the limit",
      '{"format":"unsam-scene","version":1,"width":1e6,"height":1e6,"containment":0.8,"masks":[]}',
    ],
    [
      "a mask of another size",
      '{"format":"unsam-scene","version":1,"width":2,"height":2,"containment":0.8,"masks":[{"score":1,"stability":1,"granularity":1,"point":null,"counts":"9"}]}',
    ],
    ["a prototype", '{"__proto__":{"format":"unsam-scene"},"version":1}'],
  ])("refuses %s", async (_, text) => {
    const file = path.join(folder, "bad.json");
    await writeFile(file, text);
    await expect(SceneHierarchy.load(file)).rejects.toMatchObject({ code: "E_BAD_FILE" });
  });

  it("says so where a file cannot be read or written, and leaves nothing behind", async () => {
    const scene = await randomScene(pseudoRandom(1));
    await expect(SceneHierarchy.load(path.join(folder, "none.json"))).rejects.toMatchObject({ code: "E_IO" });
    await expect(SceneHierarchy.load(folder)).rejects.toMatchObject({ code: "E_BAD_FILE" });
    await expect(scene.save(path.join(folder, "no", "such", "folder.json"))).rejects.toMatchObject({
      code: "E_IO",
    });
    expect((await readdir(folder)).some((name) => name.endsWith(".tmp"))).toBe(false);
  });
});
