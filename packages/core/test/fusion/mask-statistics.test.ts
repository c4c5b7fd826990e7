import { describe, expect, it } from "vitest";
import { maskStatistics } from "#core/fusion/index.js";
import { Mask } from "#core/mask/index.js";
import { Random, randomLogits } from "./random.js";

describe("maskStatistics", () => {
  it.each([
    [3, 1, 1],
    [5, 7, 31],
    [5, 9, 32],
    [4, 6, 33],
    [9, 40, 70],
    [2, 64, 96],
  ])("counts %i maps of %i×%i as a plain loop does", (count, height, width) => {
    const random = new Random(width);
    const data = randomLogits(random, count, height, width);
    const options = { threshold: 0.25, stabilityOffset: 0.75 };
    const { masks, areas, boxes, stability } = maskStatistics({ count, height, width, data }, options);
    const size = Math.ceil(width / 32) * height;
    for (let k = 0; k < count; k++) {
      const map = data.subarray(k * height * width, (k + 1) * height * width);
      const mask = Mask.fromBytes(
        width,
        height,
        map.map((value) => (value > 0.25 ? 1 : 0)),
      );
      expect([...masks.words.subarray(k * size, (k + 1) * size)]).toEqual([...mask.words]);
      expect(areas[k]).toBe(mask.area);
      const { x, y, width: w, height: h } = mask.bbox;
      const corners = mask.area === 0 ? [0, 0, 0, 0] : [x, y, x + w - 1, y + h - 1];
      expect([...boxes.subarray(4 * k, 4 * k + 4)]).toEqual(corners);
      const high = map.filter((value) => value > 1).length;
      const low = map.filter((value) => value > -0.5).length;
      expect(stability[k]).toBe(low === 0 ? 0 : high / low);
    }
  });

  it("takes NaN for background and infinities for what they are", () => {
    const data = Float32Array.of(
      Number.NaN,
      2,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      -0.5,
    );
    const { masks, areas, stability } = maskStatistics({ count: 1, height: 2, width: 3, data });
    expect([...masks.words]).toEqual([0b110, 0]);
    expect([...areas]).toEqual([2]);
    expect([...stability]).toEqual([2 / 3]);
  });

  it("refuses wrong shapes", () => {
    const data = new Float32Array(12);
    const code = (error: unknown) => (error as { code?: string }).code;
    const failure = (call: () => unknown) => {
      try {
        call();
      } catch (error) {
        return code(error);
      }
      return "none";
    };
    expect(failure(() => maskStatistics({ count: 2, height: 2, width: 4, data }))).toBe("E_BAD_PROMPT");
    expect(failure(() => maskStatistics({ count: 0, height: 2, width: 4, data: new Float32Array(0) }))).toBe(
      "E_BAD_PROMPT",
    );
    expect(failure(() => maskStatistics({ count: 1e9, height: 1, width: 1, data }))).toBe("E_BAD_PROMPT");
    expect(failure(() => maskStatistics({ count: 1, height: 1.5, width: 8, data }))).toBe("E_BAD_PROMPT");
    expect(
      failure(() => maskStatistics({ count: 1, height: 3, width: 4, data }, { threshold: Number.NaN })),
    ).toBe("E_BAD_OPTION");
  });
});
