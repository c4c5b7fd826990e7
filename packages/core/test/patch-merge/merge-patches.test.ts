import { describe, expect, it } from "vitest";
import { mergePatches, patchLabels } from "#core/patch-merge/index.js";
import { Random } from "../fusion/random.js";

/** The definition: after every merge all neighbouring regions are compared, patch by patch. */
function plainMerges(data: Float32Array, height: number, width: number, channels: number) {
  const count = height * width;
  const cosine = (i: number, j: number) => {
    let [product, a, b] = [0, 0, 0];
    for (let k = 0; k < channels; k++) {
      product += data[i * channels + k] * data[j * channels + k];
      a += data[i * channels + k] ** 2;
      b += data[j * channels + k] ** 2;
    }
    return product / Math.sqrt(a * b);
  };
  const touch = (i: number, j: number) =>
    Math.abs((i % width) - (j % width)) + Math.abs(Math.floor(i / width) - Math.floor(j / width)) === 1;
  const regions = new Map(Array.from({ length: count }, (_, i) => [i, [i]]));
  const children: number[] = [];
  const similarity: number[] = [];
  for (let merge = 0; merge < count - 1; merge++) {
    let best = { a: -1, b: -1, value: Number.NEGATIVE_INFINITY };
    for (const [a, patches] of regions) {
      for (const [b, others] of regions) {
        if (a >= b || !patches.some((i) => others.some((j) => touch(i, j)))) continue;
        let sum = 0;
        for (const i of patches) for (const j of others) sum += cosine(i, j);
        const value = sum / (patches.length * others.length);
        if (value > best.value) best = { a, b, value };
      }
    }
    children.push(best.a, best.b);
    similarity.push(best.value);
    regions.set(count + merge, [...regions.get(best.a)!, ...regions.get(best.b)!]);
    regions.delete(best.a);
    regions.delete(best.b);
  }
  return { children, similarity };
}

describe("mergePatches", () => {
  it.each([
    [1, 1, 3],
    [1, 6, 5],
    [4, 1, 8],
    [4, 5, 19],
    [5, 6, 32],
  ])("joins a %i×%i map of %i features in the order of the definition", (height, width, channels) => {
    const random = new Random(height * 10 + width);
    const data = Float32Array.from({ length: height * width * channels }, () => random.normal() + 0.3);
    const merges = mergePatches({ height, width, channels, data });
    const plain = plainMerges(data, height, width, channels);
    expect([...merges.children]).toEqual(plain.children);
    merges.similarity.forEach((value, m) => {
      expect(value).toBeCloseTo(plain.similarity[m], 5);
    });
  });

  it("finds planted regions at a threshold between them, whatever the patches' lengths", () => {
    const [height, width, channels] = [12, 16, 24];
    const random = new Random(3);
    const planted = (i: number) => (i % width < 6 ? 0 : Math.floor(i / width) < 5 ? 1 : 2);
    const directions = Array.from({ length: 3 }, () =>
      Array.from({ length: channels }, () => random.normal()),
    );
    const data = new Float32Array(height * width * channels);
    for (let i = 0; i < height * width; i++) {
      const length = 0.1 + 10 * random.next();
      for (let k = 0; k < channels; k++) {
        data[i * channels + k] = length * (directions[planted(i)][k] + 0.3 * random.normal());
      }
    }
    const labels = patchLabels(mergePatches({ height, width, channels, data }), 0.6);
    expect([...labels]).toEqual(Array.from(labels, (_, i) => planted(i)));
  });

  it("labels every patch alone above all similarities and all alike below", () => {
    const merges = mergePatches({
      height: 2,
      width: 2,
      channels: 2,
      data: Float32Array.of(1, 0, 0, 1, 0, 0, 1, 1),
    });
    expect([...patchLabels(merges, 1.1)]).toEqual([0, 1, 2, 3]);
    expect([...patchLabels(merges, -1)]).toEqual([0, 0, 0, 0]);
  });

  it("refuses wrong shapes and numbers that are none", () => {
    const data = new Float32Array(8);
    expect(() => mergePatches({ height: 2, width: 2, channels: 3, data })).toThrow(
      /2×2 patches of 3 features/,
    );
    expect(() => mergePatches({ height: 0, width: 2, channels: 3, data: new Float32Array(0) })).toThrow(
      /0×2/,
    );
    data[5] = Number.NaN;
    expect(() => mergePatches({ height: 2, width: 2, channels: 2, data })).toThrow(/patch 2/);
  });
});
