import { describe, expect, it } from "vitest";
import { assemblePrompt } from "#core/decoder/index.js";

const image = { width: 200, height: 100 };
const nothing = { points: [], box: null, maskLogits: null, granularity: null };

describe("prompt tokens", () => {
  it("puts box corners first, then clicks, then one padding point, scaled to the network's frame", () => {
    const prompt = assemblePrompt(
      {
        ...nothing,
        points: [
          { x: 50, y: 50, label: 1 },
          { x: 0, y: 99, label: 0 },
        ],
        box: [20, 10, 200, 100],
        granularity: 0.3,
      },
      image,
      256,
    );
    expect([...prompt.labels]).toEqual([2, 3, 1, 0, -1]);
    const expected = [25.6, 25.6, 256, 256, 64, 128, 0, 253.44, 0, 0].map(Math.fround);
    expect([...prompt.coords]).toEqual(expected);
    expect(prompt.granularity).toBe(0.3);
  });

  it("keeps ignored points, which take a token", () => {
    const prompt = assemblePrompt({ ...nothing, points: [{ x: 1, y: 1, label: -1 }] }, image, 256);
    expect([...prompt.labels]).toEqual([-1, -1]);
  });

  it("adds no token at all beside a lone mask", () => {
    const prompt = assemblePrompt({ ...nothing, maskLogits: new Float32Array(4) }, image, 256);
    expect(prompt.labels).toHaveLength(0);
    expect(prompt.coords).toHaveLength(0);
  });

  it("refuses an empty prompt", () => {
    expect(() => assemblePrompt(nothing, image, 256)).toThrow(
      expect.objectContaining({ code: "E_BAD_PROMPT" }),
    );
  });
});
