import type { Mask, SceneHierarchy, SceneMask } from "@unsam/sdk";
import { beforeAll, describe, expect, it } from "vitest";
import { someScenes } from "./scenes.js";

const SETTINGS = Array.from({ length: 50 }, (_, i) => i / 49);

let scenes: { name: string; scene: SceneHierarchy }[];
beforeAll(async () => {
  scenes = await someScenes();
});
const each = (check: (scene: SceneHierarchy, name: string) => void) => {
  for (const { name, scene } of scenes) check(scene, name);
};

/** Who owns a pixel, from the definition: the finest mask around it whose range covers the setting. */
function ownerAt(chain: readonly SceneMask[], g: number): SceneMask | null {
  return chain.find(({ range: [, until] }) => g < until) ?? null;
}

describe("a scene", () => {
  it("has what it should have of masks", () => {
    const counts = scenes.map(({ scene }) => scene.masks.length);
    expect(counts[0]).toBeGreaterThan(50);
    expect(counts[1]).toBeGreaterThan(50);
    expect(counts[2]).toBeGreaterThan(0);
    expect(counts[3]).toBe(0);
  });

  it("gives each pixel exactly one owner at every setting: the finest mask whose range covers it", () => {
    each((scene, name) => {
      for (const g of SETTINGS.filter((_, i) => i % 7 === 0)) {
        const map = scene.at(g);
        expect(map.labels.length).toBe(scene.width * scene.height);
        let wrong = 0;
        for (let y = 0; y < scene.height; y += 7) {
          for (let x = 0; x < scene.width; x += 5) {
            const chain = scene.pick(x + 0.5, y + 0.5);
            // Settings are compared in steps of 1/65534, so right at the end of a range either side is right.
            const close = chain.some(({ range }) => range.some((end) => Math.abs(end - g) < 1e-5));
            if (!close && map.owner(x, y) !== ownerAt(chain, g)) wrong++;
            if ((map.labels[y * scene.width + x] === 0) !== (chain.length === 0)) wrong++;
          }
        }
        expect(wrong, `${name} at ${g}`).toBe(0);
      }
    });
  });

  it("has in its contours, thresholded, exactly the boundaries of every label map", () => {
    each((scene, name) => {
      const { width, height } = scene;
      for (const g of SETTINGS) {
        const { labels } = scene.at(g);
        const { right, below } = scene.contours.at(g);
        let wrong = 0;
        for (let y = 0, i = 0; y < height; y++) {
          for (let x = 0; x < width; x++, i++) {
            const toRight = x + 1 < width && labels[i] !== labels[i + 1] ? 1 : 0;
            const downwards = y + 1 < height && labels[i] !== labels[i + width] ? 1 : 0;
            if (right[i] !== toRight || below[i] !== downwards) wrong++;
          }
        }
        expect(wrong, `${name} at ${g}`).toBe(0);
      }
    });
  });

  it("changes at its levels, and only there", () => {
    each((scene) => {
      const same = (a: number, b: number) =>
        Buffer.from(scene.at(a).labels.buffer).equals(Buffer.from(scene.at(b).labels.buffer));
      const levels = scene.levels.filter((_, i) => i % 9 === 0);
      for (const level of levels) {
        const next = scene.levels.find((other) => other > level) ?? 1;
        // Settings are told apart in steps of 1/65534.
        expect(same(level, next - 0.6 / 65_534)).toBe(true);
      }
      expect([...scene.levels]).toEqual([...new Set(scene.levels)].sort((a, b) => a - b));
    });
  });

  it("coarsens to unions: what is one region stays one", () => {
    each((scene) => {
      let finer = scene.at(0).labels;
      for (const g of [0.1, 0.3, 0.5, 0.7, 0.9, 1]) {
        const coarser = scene.at(g).labels;
        const into = new Map<number, number>();
        finer.forEach((label, i) => {
          if (!into.has(label)) into.set(label, coarser[i]);
          else if (into.get(label) !== coarser[i]) throw new Error(`region ${label} is torn at ${g}`);
        });
        finer = coarser;
      }
    });
  });

  it("is a forest: no cycles, a child lies in its parent, which is the smallest mask that holds it", () => {
    each((scene, name) => {
      const bits = new Map<SceneMask, Mask>(scene.masks.map((mask) => [mask, mask.mask]));
      for (const mask of scene.masks) {
        const above = new Set<SceneMask>([mask]);
        for (let up = mask.parent; up; up = up.parent) {
          expect(above.has(up)).toBe(false);
          above.add(up);
        }
        expect(mask.parent === null).toBe(scene.roots.includes(mask));
        if (mask.parent) expect(mask.parent.children).toContain(mask);
        expect(mask.range[0]).toBeLessThanOrEqual(mask.range[1]);
      }
      const some = scene.masks.filter((_, i) => i % Math.ceil(scene.masks.length / 40) === 0);
      for (const mask of some) {
        const own = bits.get(mask)!;
        const holders = scene.masks.filter(
          (other) =>
            other !== mask && other.area > mask.area && bits.get(other)!.intersection(own) >= 0.8 * mask.area,
        );
        const smallest = Math.min(...holders.map(({ area }) => area));
        if (mask.parent && mask.parent.area > mask.area) {
          expect(bits.get(mask.parent)!.intersection(own), name).toBeGreaterThanOrEqual(0.8 * mask.area);
          expect(mask.parent.area, name).toBe(smallest);
        } else if (!mask.parent) expect(holders.length, name).toBe(0);
      }
    });
  });

  it("picks the chain from part to whole", () => {
    const [{ scene }] = scenes;
    const chain = scene.pick(323, 123);
    expect(chain.length).toBeGreaterThan(2);
    for (const [i, mask] of chain.entries()) {
      expect(mask.parent).toBe(chain[i + 1] ?? null);
      if (i > 0) expect(mask.area).toBeGreaterThan(chain[i - 1].area);
    }
    expect(scene.pick(-1, 5)).toEqual([]);
    expect(scene.pick(Number.NaN, 5)).toEqual([]);
    expect(scene.pick(scene.width, 5)).toEqual([]);
  });

  it("merges with another: nothing twice, nothing lost", async () => {
    const [{ scene: a }, { scene: b }] = scenes;
    const both = await a.merge(b);
    const masks = both.masks.map(({ mask }) => mask);
    for (const [i, mask] of masks.entries()) {
      for (const other of masks.slice(i + 1)) expect(mask.iou(other)).toBeLessThanOrEqual(0.9);
    }
    for (const { mask } of [...a.masks, ...b.masks].filter((_, i) => i % 20 === 0)) {
      expect(masks.some((other) => other.iou(mask) > 0.9)).toBe(true);
    }
    const again = await a.merge(a);
    expect(again.masks.map(({ area, score }) => [area, score])).toEqual(
      a.masks.map(({ area, score }) => [area, score]),
    );
    const { scene: small } = { scene: await (await import("./scenes.js")).randomScene(() => 0.3) };
    await expect(a.merge(small)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
  });

  it("refuses settings that are none", () => {
    const [{ scene }] = scenes;
    for (const g of ["auto", null, -0.1, 1.1, Number.NaN, "huge"]) {
      expect(() => scene.at(g as never)).toThrow(expect.objectContaining({ code: "E_BAD_PROMPT" }));
    }
    expect(scene.at("fine").labels).toEqual(scene.at(0.2).labels);
  });
});
