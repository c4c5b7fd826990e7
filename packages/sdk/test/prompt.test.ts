import { runInNewContext } from "node:vm";
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
    expect((error as UnSAMError).message).not.toMatch(/undefined, undefined/);
    return (error as UnSAMError).message;
  }
  throw new Error("It was accepted.");
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

  it.each([
    Float32Array,
    Float64Array,
    Int16Array,
    Int32Array,
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
  ])("reads points and boxes given as %o", (Numbers) => {
    const points = [new Numbers([1, 2]), [3, 4], new Numbers([5, 6, 0])] as const;
    const { points: read, box } = parsePrompt({ points, box: new Numbers([0, 1, 20, 30]) }, unsam);
    expect(read).toEqual([
      { x: 1, y: 2, label: 1 },
      { x: 3, y: 4, label: 1 },
      { x: 5, y: 6, label: 0 },
    ]);
    expect(box).toEqual([0, 1, 20, 30]);
    expect(parsePrompt({ points: new Numbers([1, 2, 3, 4]) }, unsam).points).toEqual([
      { x: 1, y: 2, label: 1 },
      { x: 3, y: 4, label: 1 },
    ]);
  });

  it("keeps the numbers that were there when it was called", () => {
    const point = Float64Array.of(1.25, 2);
    const box = Float32Array.of(0, 1, 20.5, 30);
    const prompt = parsePrompt({ points: [point], box }, unsam);
    point.fill(9);
    box.fill(9);
    expect(prompt).toMatchObject({ points: [{ x: 1.25, y: 2 }], box: [0, 1, 20.5, 30] });
  });

  it("takes typed arrays of another realm", () => {
    const foreign = runInNewContext("[new Float32Array([1, 2]), new Float32Array([0, 0, 5, 6])]");
    const { points, box } = parsePrompt({ points: [foreign[0]], box: foreign[1] }, unsam);
    expect([points, box]).toEqual([[{ x: 1, y: 2, label: 1 }], [0, 0, 5, 6]]);
  });

  it("means the whole object where no granularity is given, and none for plain SAM 2", () => {
    expect(parsePrompt({ points: [[1, 2]] }, unsam).granularity).toBe(1);
    expect(parsePrompt({ points: [[1, 2]], granularity: null }, unsam).granularity).toBe(null);
    expect(parsePrompt({ points: [[1, 2]] }, sam2).granularity).toBe(null);
    expect(parsePrompt({ points: [[1, 2]], granularity: "fine" }, unsam).granularity).toBe(0.2);
  });

  it("takes 5000 points and refuses more, before it looks at any", () => {
    const points = new Array<[number, number]>(5000).fill([1, 2]);
    expect(parsePrompt({ points }, unsam).points).toHaveLength(5000);
    expect(refusal({ points: [...points, [1, 2]] })).toMatch(/5001 points; a prompt takes at most 5000/);
    expect(refusal({ points: new Array(1e6) })).toMatch(/1000000 points/);
    expect(refusal({ points: new Float32Array(10_002) })).toMatch(/5001 points/);
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
    [{ mask: "a.npy" }, /must be a segment.*not "a\.npy"/],
    [{ mask: { data: new Float32Array(6), shape: [-2, -3] } }, /shape \[-2, -3\] and 6 values/],
    [{ mask: { data: new Float32Array(6), shape: [1.5, 4] } }, /shape \[1\.5, 4\] and 6 values/],
    [{ mask: { data: new Float32Array(6), shape: [2, 3, 1] } }, /shape \[2, 3, 1\] and 6 values/],
    [{ mask: { data: new Float32Array(0), shape: [0, 4] } }, /shape \[0, 4\] and 0 values/],
    [{ points: [Float32Array.of(Number.NaN, 2)] }, /Point 0 is \[NaN, 2\]; x and y must be finite/],
    [{ points: [Float64Array.of(1, Number.NEGATIVE_INFINITY)] }, /Point 0 is \[1, -Infinity\]/],
    [{ points: [Int32Array.of(1, -2)] }, /Point 0 \(1, -2\) lies outside/],
    [{ points: [Float32Array.of(1)] }, /not \[1\]/],
    [{ points: [Float32Array.of(1, 2, 3, 4)] }, /not \[1, 2, 3, 4\]/],
    [{ points: [Float32Array.of(1, 2, 0.5)] }, /label of point 0 is 0\.5/],
    [{ points: Float32Array.of(1, 2, 3) }, /typed array of 3 numbers/],
    [{ points: Float32Array.of(1, 2, 3, Number.NaN) }, /Point 1 is \[3, NaN\]/],
    [{ points: [BigInt64Array.of(1n, 2n)] }, /Point 0 is \[1n, 2n\]/],
    [{ points: [new DataView(new ArrayBuffer(8))] }, /Point 0 is .*give \[x, y\]/],
    [{ points: [{}] }, /Point 0 is \{\}; give \[x, y\]/],
    [{ points: [{ x: 1 }] }, /Point 0 is \{"x": 1\}; give \[x, y\]/],
    [{ points: [{ x: undefined, y: undefined }] }, /x and y must be finite/],
    // biome-ignore lint/suspicious/noSparseArray: what people give by mistake.
    [{ points: [, [1, 2]] }, /Point 0 is undefined; give/],
    [{ points: [["1", "2"]] }, /Point 0 is \["1", "2"\]/],
    [{ points: { 0: [1, 2] } }, /Points are a list/],
    [{ box: Float32Array.of(10, 10, Number.NaN, 20) }, /The box is \[10, 10, NaN, 20\]; give four finite/],
    [{ box: Float32Array.of(10, 10, 20) }, /The box is \[10, 10, 20\]; give four/],
    [{ box: Uint16Array.of(10, 10, 101, 20) }, /\(10, 10, 101, 20\) leaves the image/],
    [{ box: { x0: 1, y0: 1, x1: 2, y1: 2 } }, /give four finite numbers/],
    [{ box: ["1", "1", "2", "2"] }, /give four finite numbers/],
    [{ points: [[1, 2]], granularity: 1n }, /granularity is 1n/],
  ])("refuses %#: %o", (prompt, reason) => {
    expect(refusal(prompt)).toMatch(reason);
  });

  it.each([0.5, "fine", "auto"] as const)("refuses the granularity %s for plain SAM 2", (granularity) => {
    expect(refusal({ points: [[1, 2]], granularity }, sam2)).toMatch(/is a model without granularity/);
  });
});
