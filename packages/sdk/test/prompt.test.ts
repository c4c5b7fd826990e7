import { UnSAMError } from "@unsam/core/errors";
import { Mask } from "@unsam/core/mask";
import { describe, expect, it } from "vitest";
import { type PromptInput, parsePrompt } from "#sdk/prompt.js";

const unsam = { width: 100, height: 50, granularity: true, model: "unsamv2.pt" };
const sam2 = { ...unsam, granularity: false, model: "sam2.pt" };

function refusal(prompt: unknown, context = unsam): string {
  try {
    parsePrompt(prompt as PromptInput, context);
  } catch (error) {
    expect(error).toBeInstanceOf(UnSAMError);
    expect((error as UnSAMError).code).toBe("E_BAD_PROMPT");
    return (error as UnSAMError).message;
  }
  throw new Error(`${JSON.stringify(prompt)} was accepted.`);
}

describe("parsePrompt", () => {
  it("reads points as tuples and as objects, foreground unless labelled", () => {
    const { points } = parsePrompt(
      { points: [[1, 2], { x: 3, y: 4, label: "background" }, [5, 6, -1]] },
      unsam,
    );
    expect(points).toEqual([
      { x: 1, y: 2, label: 1 },
      { x: 3, y: 4, label: 0 },
      { x: 5, y: 6, label: -1 },
    ]);
  });

  it("means the whole object where no granularity is given, and none for plain SAM 2", () => {
    expect(parsePrompt({ points: [[1, 2]] }, unsam).granularity).toBe(1);
    expect(parsePrompt({ points: [[1, 2]], granularity: null }, unsam).granularity).toBe(null);
    expect(parsePrompt({ points: [[1, 2]] }, sam2).granularity).toBe(null);
    expect(parsePrompt({ points: [[1, 2]], granularity: "fine" }, unsam).granularity).toBe(0.2);
  });

  it("takes a box that touches the image's edges", () => {
    expect(parsePrompt({ box: [0, 0, 100, 50] }, unsam).box).toEqual([0, 0, 100, 50]);
  });

  it("takes logits with leading ones, as official mask inputs have", () => {
    const mask = parsePrompt({ mask: { data: new Float32Array(16), shape: [1, 1, 4, 4] } }, unsam).mask;
    expect(mask).toMatchObject({ shape: [4, 4] });
  });

  it.each([
    [{}, /empty/],
    [{ points: [] }, /empty/],
    [null, /not null/],
    [{ points: "1,2" }, /not "1,2"/],
    [{ points: [[1]] }, /not \[1\]/],
    [{ points: [[100, 2]] }, /Point 0 \(100, 2\) lies outside the image of 100 × 50/],
    [
      {
        points: [
          [1, 2],
          [-1, 2],
        ],
      },
      /Point 1 \(-1, 2\) lies outside/,
    ],
    [{ points: [[Number.NaN, 2]] }, /NaN/],
    [{ points: [[1, Number.POSITIVE_INFINITY]] }, /Infinity/],
    [{ points: [[1, 2, 5]] }, /label of point 0 is 5/],
    [{ box: [10, 10, 10, 20] }, /no area/],
    [{ box: [30, 10, 20, 20] }, /no area/],
    [{ box: [10, 10, 101, 20] }, /leaves the image/],
    [{ box: [10, 10, 20] }, /four finite numbers/],
    [{ box: [10, 10, Number.NaN, 20] }, /four finite numbers/],
    [{ points: [[1, 2]], granularity: 7 }, /granularity is 7/],
    [{ points: [[1, 2]], granularity: Number.NaN }, /granularity is NaN/],
    [{ points: [[1, 2]], granularity: "tiny" }, /granularity is "tiny"/],
    [{ points: [[1, 2]], granularity: "toString" }, /granularity is "toString"/],
    [{ mask: new Mask(3, 3, new Uint32Array(3)) }, /3 × 3 pixels, the image 100 × 50/],
    [{ mask: { data: new Float32Array(5), shape: [2, 2] } }, /shape \[2, 2\] and 5 values/],
    [{ mask: { data: Float32Array.of(Number.NaN), shape: [1, 1] } }, /not finite/],
    [{ mask: {} }, /must be a segment/],
  ])("refuses %j", (prompt, reason) => {
    expect(refusal(prompt)).toMatch(reason);
  });

  it.each([0.5, "fine", "auto"] as const)("refuses the granularity %s for plain SAM 2", (granularity) => {
    expect(refusal({ points: [[1, 2]], granularity }, sam2)).toMatch(/plain SAM 2 model without granularity/);
  });
});
