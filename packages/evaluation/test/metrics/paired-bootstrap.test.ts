import { describe, expect, it } from "vitest";
import { pairedDifference } from "#evaluation/metrics/paired-bootstrap.js";
import { randomNumbers } from "#evaluation/random.js";

const named = (images: readonly (readonly number[])[]) =>
  new Map(images.map((values, i) => [`i${i}`, new Map(values.map((value, k) => [`${k}`, value]))]));

describe("a paired bootstrap", () => {
  it("of methods that differ by one amount everywhere has no width, however unlike the images are", () => {
    const first = [[0.1, 0.9], [0.5], [0.2, 0.3, 0.99]];
    const second = first.map((values) => values.map((value) => value - 0.0625));
    const found = pairedDifference(named(first), named(second), 1)!;
    expect([found.images, found.values]).toEqual([3, 6]);
    for (const value of [found.difference, ...found.interval]) expect(value).toBeCloseTo(0.0625, 12);
  });

  it("takes what both answered, and is null where that is nothing", () => {
    const first = new Map([
      [
        "a",
        new Map([
          ["1", 1],
          ["2", 0],
        ]),
      ],
      ["b", new Map([["1", 5]])],
    ]);
    const second = new Map([["a", new Map([["2", 0.5]])]]);
    expect(pairedDifference(first, second, 1)).toMatchObject({ difference: -0.5, images: 1, values: 1 });
    expect(pairedDifference(first, new Map(), 1)).toBeNull();
  });

  it("covers the true difference in about 95 % of repetitions, and changes sign with the order", () => {
    const random = randomNumbers(11);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    let covered = 0;
    for (let run = 0; run < 200; run++) {
      const easy = Array.from({ length: 40 }, () => 5 * normal());
      const first = named(easy.map((ease) => [ease + 0.3 + normal(), ease + 0.3 + normal()]));
      const second = named(easy.map((ease) => [ease, ease]));
      const { interval, difference } = pairedDifference(first, second, run)!;
      if (interval[0] <= 0.3 && interval[1] >= 0.3) covered++;
      if (run === 0) {
        const back = pairedDifference(second, first, run)!;
        expect(back.difference).toBeCloseTo(-difference, 12);
        expect(back).toEqual(pairedDifference(second, first, run));
      }
    }
    expect(covered).toBeGreaterThanOrEqual(180);
    expect(covered).toBeLessThanOrEqual(199);
  });
});
