import { pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { buildForest } from "#core/fusion/index.js";
import { packedIntersection, packMask } from "#core/mask/index.js";
import { granularityOfArea, nestMasks } from "#core/tiles/index.js";
import { bar, disc, maskOf } from "./shapes.js";

describe("the forest of masks of a large image", () => {
  it("is that of all pairs", () => {
    const random = pseudoRandom(5);
    const size = { width: 450, height: 550 };
    for (let round = 0; round < 2; round++) {
      const masks = Array.from({ length: 50 }, (_, i) => {
        const [x, y, r] = [450 * random(), 550 * random(), 3 + 180 * random() ** 2];
        const shape = i % 2 === 0 ? disc(x, y, r) : bar(x - r, y - r / 2, x + r, y + r / 2);
        const { words, area } = maskOf(shape, size.width, size.height);
        const mask = packMask(words, size.width, size.height);
        return {
          mask,
          score: Math.round(10 * random()) / 10,
          granularity: granularityOfArea(Math.max(1, area), size),
        };
      });
      const count = masks.length;
      const common = new Uint32Array((count * (count - 1)) / 2);
      for (let i = 0, n = 0; i < count; i++) {
        for (let j = i + 1; j < count; j++, n++) common[n] = packedIntersection(masks[i].mask, masks[j].mask);
      }
      const wanted = buildForest(
        masks.map(({ mask }) => mask.area),
        masks.map(({ score }) => score),
        masks.map(({ granularity }) => granularity),
        { count, common },
        0.8,
      );
      const forest = nestMasks(masks, 0.8);
      expect(forest.parent).toEqual(wanted.parent);
      expect(forest.level).toEqual(wanted.level);
      const place = new Map([...forest.order].map((region, i) => [region, i]));
      expect(place.size).toBe(count);
      forest.parent.forEach((up, i) => {
        if (up >= 0) expect(place.get(up)).toBeLessThan(place.get(i) as number);
      });
    }
  });

  it("has granularities that rise with the area, on one scale", () => {
    const size = { width: 20_000, height: 20_000 };
    expect(granularityOfArea(64, size)).toBe(0);
    expect(granularityOfArea(1, size)).toBe(0);
    expect(granularityOfArea(4e8, size)).toBe(1);
    expect(granularityOfArea(2048 ** 2, size)).toBeGreaterThan(granularityOfArea(300 ** 2, size));
    expect(granularityOfArea(4, { width: 2, height: 2 })).toBe(1);
  });
});
