import type { RgbImage } from "@unsam/core/image";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { felzenszwalb, felzenszwalbMethod } from "#evaluation/methods/felzenszwalb.js";
import { otsuComponents, otsuMethod, otsuThreshold } from "#evaluation/methods/otsu.js";

const image = (width: number, height: number): fc.Arbitrary<RgbImage> =>
  fc
    .array(fc.integer({ min: 0, max: 255 }), { minLength: 3 * width * height, maxLength: 3 * width * height })
    .map((values) => ({ width, height, data: Uint8Array.from(values) }));

/** The same partition, whatever the numbers. */
function canonical(labels: ArrayLike<number>): number[] {
  const names = new Map<number, number>();
  return Array.from(labels, (label) => {
    if (!names.has(label)) names.set(label, names.size);
    return names.get(label)!;
  });
}

describe("Otsu's threshold", () => {
  it("is the one with the least variance within the classes", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 2, maxLength: 40 }), (values) => {
        fc.pre(new Set(values).size > 1);
        const spread = (list: number[]) => {
          const middle = list.reduce((a, b) => a + b, 0) / list.length;
          return list.reduce((sum, value) => sum + (value - middle) ** 2, 0);
        };
        const within = (t: number) =>
          spread(values.filter((value) => value <= t)) + spread(values.filter((value) => value > t));
        const best = Math.min(
          ...[...new Set(values)]
            .sort((a, b) => a - b)
            .slice(0, -1)
            .map(within),
        );
        expect(within(otsuThreshold(Uint8Array.from(values)))).toBeCloseTo(best, 6);
      }),
    );
  });

  it("splits an image into connected parts, and the click's part is the answer", async () => {
    // A bright square in a dark frame, and a bright dot apart from it.
    const rows = ["......", ".##...", ".##...", "......", ".....#"];
    const data = Uint8Array.from(
      [...rows.join("")].flatMap((c) => (c === "#" ? [200, 200, 200] : [10, 20, 30])),
    );
    const photo = { width: 6, height: 5, data };
    expect(new Set(canonical(otsuComponents(photo))).size).toBe(3);
    const prepared = await otsuMethod().prepare(photo);
    const { ladder, auto } = await prepared.offer([{ x: 1, y: 1, label: 1 }]);
    expect(ladder.map(({ mask }) => mask.area)).toEqual([4]);
    expect(auto?.mask.equals(ladder[0].mask)).toBe(true);
    const both = await prepared.answer(
      [
        { x: 1, y: 1, label: 1 },
        { x: 5, y: 4, label: 1 },
      ],
      "auto",
      null,
    );
    expect(both.mask.area).toBe(5);
    const divided = await prepared.answer(
      [
        { x: 0, y: 0, label: 1 },
        { x: 5, y: 0, label: 0 },
      ],
      "auto",
      null,
    );
    expect(divided.mask.has(0, 0)).toBe(true);
    expect(divided.mask.has(5, 0)).toBe(false);
    expect(divided.mask.has(1, 1)).toBe(false);
  });
});

/** The algorithm of the paper, word for word: sorted edges, sets of pixels, inner variation by definition. */
function plainFelzenszwalb({ data, width, height }: RgbImage, scale: number, smallest: number): number[] {
  const edges: { a: number; b: number; weight: number }[] = [];
  const colour = (i: number) => [data[3 * i], data[3 * i + 1], data[3 * i + 2]];
  for (let a = 0; a < width * height; a++) {
    for (let b = a + 1; b < width * height; b++) {
      const near =
        Math.abs((a % width) - (b % width)) <= 1 &&
        Math.abs(Math.floor(a / width) - Math.floor(b / width)) <= 1;
      if (!near) continue;
      const weight = Math.fround(Math.hypot(...colour(a).map((value, c) => value - colour(b)[c])));
      edges.push({ a, b, weight });
    }
  }
  edges.sort((x, y) => x.weight - y.weight);
  const segment = Array.from({ length: width * height }, (_, i) => ({ pixels: [i], inner: 0 }));
  const merge = (a: number, b: number, weight: number) => {
    const joined = { pixels: [...segment[a].pixels, ...segment[b].pixels], inner: weight };
    for (const pixel of joined.pixels) segment[pixel] = joined;
  };
  for (const { a, b, weight } of edges) {
    if (segment[a] === segment[b]) continue;
    const limit = (i: number) => segment[i].inner + scale / segment[i].pixels.length;
    if (weight <= Math.min(limit(a), limit(b))) merge(a, b, weight);
  }
  for (const { a, b } of edges) {
    if (
      segment[a] !== segment[b] &&
      Math.min(segment[a].pixels.length, segment[b].pixels.length) < smallest
    ) {
      merge(a, b, 0);
    }
  }
  return canonical(segment.map(({ pixels }) => Math.min(...pixels)));
}

describe("Felzenszwalb and Huttenlocher", () => {
  it("does what the paper says", () => {
    fc.assert(
      fc.property(
        image(6, 5),
        fc.constantFrom(0, 50, 300, 2000),
        fc.constantFrom(1, 4),
        (photo, scale, smallest) => {
          const weights = new Set<number>();
          fc.pre(distinctWeights(photo, weights));
          expect(canonical(felzenszwalb(photo, scale, 0, smallest))).toEqual(
            plainFelzenszwalb(photo, scale, smallest),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("finds flat areas at every scale and gives one answer a scale", async () => {
    const data = new Uint8Array(3 * 40 * 30);
    for (let i = 0; i < 1200; i++) data.fill(i % 40 < 20 ? 30 : 220, 3 * i, 3 * i + 3);
    const method = felzenszwalbMethod();
    const prepared = await method.prepare({ width: 40, height: 30, data });
    const { ladder, auto } = await prepared.offer([{ x: 5, y: 5, label: 1 }]);
    expect(ladder.map(({ granularity }) => granularity)).toEqual(method.info.levels);
    expect(ladder[0].mask.area).toBeGreaterThan(500);
    expect(ladder[0].mask.area).toBeLessThan(700);
    expect(auto).toBeNull();
    const whole = (await prepared.wholeImage())!;
    expect(whole.segmentations).toBe(method.info.levels.length);
    expect((await whole.proposals(1000)).length).toBeGreaterThanOrEqual(2);
    expect((await whole.proposals(1)).length).toBe(1);
  });
});

/** Whether no two edges weigh the same, so that their order is no matter of taste. */
function distinctWeights({ data, width, height }: RgbImage, seen: Set<number>): boolean {
  for (let a = 0; a < width * height; a++) {
    for (const step of [1, width - 1, width, width + 1]) {
      const b = a + step;
      if (b >= width * height || Math.abs((a % width) - (b % width)) > 1) continue;
      const weight = Math.fround(Math.hypot(...[0, 1, 2].map((c) => data[3 * a + c] - data[3 * b + c])));
      if (seen.has(weight)) return false;
      seen.add(weight);
    }
  }
  return true;
}
