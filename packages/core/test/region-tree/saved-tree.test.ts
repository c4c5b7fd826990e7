import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnSAMError } from "#core/errors.js";
import { buildRegionTree, restoreTree, type SavedArray, saveTree } from "#core/region-tree/index.js";
import { paint, patches } from "./images.js";

const tree = buildRegionTree(patches(90, 70, 6));
const size = { width: 90, height: 70 };

describe("a saved tree", () => {
  it("comes back as it was", () => {
    expect(restoreTree(saveTree(tree), size)).toEqual(tree);
    const pixel = buildRegionTree(paint(1, 1, () => [1, 2, 3]));
    expect(restoreTree(saveTree(pixel), { width: 1, height: 1 })).toEqual(pixel);
  });

  it("is bound to the image's size", () => {
    expect(() => restoreTree(saveTree(tree), { width: 70, height: 91 })).toThrow(UnSAMError);
  });

  it("that was damaged is refused or still a tree, and never anything else", () => {
    const names = [...saveTree(tree).keys()];
    const wild = fc.oneof(
      fc.integer({ min: -3, max: 2000 }),
      fc.constantFrom(2 ** 31 - 1, -(2 ** 31), Number.NaN, Number.POSITIVE_INFINITY),
    );
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), wild, (name, where, value) => {
        const saved = saveTree(tree);
        const array = saved.get(name)!;
        const data = array.data.slice();
        data[where % data.length] = value;
        saved.set(name, { ...array, data } as SavedArray);
        try {
          const back = restoreTree(saved, size);
          expect(back.areas[back.nodeCount - 1]).toBe(90 * 70);
        } catch (error) {
          expect(error).toBeInstanceOf(UnSAMError);
          expect((error as UnSAMError).code).toBe("E_BAD_FILE");
          refused++;
        }
      }),
      { seed: 11, numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it("without one of its arrays, or with one cut short, is refused", () => {
    for (const name of saveTree(tree).keys()) {
      const missing = saveTree(tree);
      missing.delete(name);
      expect(() => restoreTree(missing, size)).toThrow(name);
      const short = saveTree(tree);
      const array = short.get(name)!;
      short.set(name, { ...array, data: array.data.slice(0, -1) });
      expect(() => restoreTree(short, size)).toThrow(UnSAMError);
    }
  });
});
