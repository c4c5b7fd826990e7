import { describeWithShared, pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { decodeImage, networkInput, type RgbImage, resizeBicubic } from "#core/image/index.js";
import { Mask } from "#core/mask/index.js";
import { sinePosition } from "#core/models/layers/sine-position.js";
import { chooseMemories, masksWithoutOverlap } from "#core/video/index.js";
import { maskMaps } from "#core/video/mask-maps.js";
import { readMemory, storeMemory } from "#core/video/stored-memory.js";
import { largestDifference } from "../support/compare.js";
import { VideoSet } from "../support/video-set.js";

describeWithShared("parts of a video's network against the official stages", () => {
  const set = new VideoSet();

  it("sizes a frame as Pillow does", async () => {
    const frame = resizeBicubic(await decodeImage(set.path("frames/01.png")), 256, 256);
    const { data } = networkInput(frame, 256);
    const expected = set.stage("f1.input_rows_0_31");
    for (let c = 0; c < 3; c++) {
      const rows = data.subarray(c * 65536, c * 65536 + 32 * 256);
      expect(largestDifference(rows, expected.data.subarray(c * 32 * 256, (c + 1) * 32 * 256))).toBeLessThan(
        1e-5,
      );
    }
  });

  it("encodes positions", async () => {
    const image = await sinePosition(16, 256).load();
    const row = set.stage("image_pos_row0").data;
    const column = set.stage("image_pos_col0").data;
    for (let i = 0; i < 16; i++) {
      for (let c = 0; c < 256; c++) {
        expect(image[i * 256 + c]).toBeCloseTo(row[c * 16 + i], 5);
        expect(image[i * 16 * 256 + c]).toBeCloseTo(column[c * 16 + i], 5);
      }
    }
    const memory = await sinePosition(16, 64).load();
    const expected = set.stage("memory_pos").data;
    for (let n = 0; n < 256; n++) {
      for (let c = 0; c < 64; c++) expect(memory[n * 64 + c]).toBeCloseTo(expected[c * 256 + n], 5);
    }
  });
});

describe("bicubic frames", () => {
  it.each([
    [40, 30, 17, 45],
    [17, 45, 40, 30],
    [8, 9, 8, 5],
    [1, 1, 3, 2],
  ])("%i × %i to %i × %i by the definition", (width, height, toWidth, toHeight) => {
    const numbers = pseudoRandom(width * 1000 + height);
    const data = Uint8Array.from({ length: width * height * 3 }, () => Math.floor(numbers() * 256));
    const own = resizeBicubic({ data, width, height }, toWidth, toHeight);
    expect([own.width, own.height]).toEqual([toWidth, toHeight]);
    expect(largestDifference(own.data, plainBicubic({ data, width, height }, toWidth, toHeight))).toBe(0);
  });
});

describe("memories at rest", () => {
  it("are rounded to the nearest bfloat16, of two equally near the even one", () => {
    const numbers = pseudoRandom(5);
    const values = Float32Array.from({ length: 4000 }, () => (numbers() - 0.5) * 10 ** (8 * numbers() - 4));
    values.set([0, -0, 1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -1 - 2 ** -8, 3.4e38]);
    const read = new Float32Array(values.length);
    readMemory(storeMemory(values, "bfloat16"), read);
    expect(read).toEqual(values.map(nearestBfloat16));
    readMemory(storeMemory(values, "float32"), read);
    expect(read).toEqual(values);
  });
});

describe("which memories a frame reads", () => {
  const rules = {
    memoryFrames: 7,
    memoryStride: 1,
    maxConditioningFrames: null,
    maxObjectPointers: 16,
    length: 100,
  };
  const frames = (...list: number[]) => new Map(list.map((frame) => [frame, `f${frame}`]));
  const choice = (frame: number, reverse: boolean, conditioning: number[], others: number[], more = {}) => {
    const known = { conditioning: frames(...conditioning), others: frames(...others) };
    const { memories, pointers, longestTime } = chooseMemories(frame, reverse, known, { ...rules, ...more });
    return {
      memories: memories.map((one) => [one.frame, one.row]),
      pointers: pointers.map((one) => [one.frame, one.time]),
      longestTime,
    };
  };

  it("prefers the nearest before and the nearest after where only a few conditioning frames are allowed", () => {
    const { memories, pointers } = choice(10, false, [2, 30, 8, 12, 13], [9], { maxConditioningFrames: 3 });
    // 13 is nearer than 2 and 30; 13 is at distance 3.
    expect(memories).toEqual([
      [8, 6],
      [12, 6],
      [13, 6],
      [9, 0],
    ]);
    expect(pointers).toEqual([
      [8, 2],
      [9, 1],
      // Left out by the limit, so it counts as a recent frame.
      [2, 8],
    ]);
  });

  it("reads a video of unknown length as one that is long enough", () => {
    expect(choice(3, false, [0], [1, 2], { length: null })).toEqual(choice(3, false, [0], [1, 2]));
    expect(choice(0, false, [0], [], { length: 1 }).longestTime).toBe(1);
  });

  it("skips what was forgotten", () => {
    expect(choice(50, false, [0], [47, 49]).memories).toEqual([
      [0, 6],
      [47, 2],
      [49, 0],
    ]);
  });
});

describe("mask prompts", () => {
  it("are thresholded after they are resized, and are empty where nothing is left", () => {
    const half = Float32Array.from({ length: 32 * 16 }, (_, i) => (i % 32 < 16 ? 1 : 0));
    const { binary, logits, isEmpty } = maskMaps(half, 32, 16, 64);
    expect(binary.filter((value) => value === 1)).toHaveLength(32 * 64);
    expect([logits[0], logits[15]]).toEqual([10, -10]);
    expect(isEmpty).toBe(false);
    expect(maskMaps(new Float32Array(64), 8, 8, 64).isEmpty).toBe(true);
  });
});

describe("masks without overlap", () => {
  it("give each pixel to the object with the largest logit, the first among equals", () => {
    const left = Float32Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 3 : -3));
    const both = new Float32Array(16).fill(3);
    const [first, second] = masksWithoutOverlap([left, both], 4, { width: 4, height: 4 }).map(
      (words) => new Mask(4, 4, words),
    );
    expect(first.area).toBe(8);
    expect(second.area).toBe(8);
    expect(first.intersection(second)).toBe(0);
    expect(masksWithoutOverlap([both, both], 4, { width: 4, height: 4 })[1].every((word) => word === 0)).toBe(
      true,
    );
  });
});

function nearestBfloat16(value: number): number {
  if (value === 0) return value;
  // 8 significant bits.
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 7);
  const steps = value / step;
  const floor = Math.floor(steps);
  const rest = steps - floor;
  const rounded = rest === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(steps);
  return Math.abs(rounded * step) > 3.39e38 ? Math.sign(value) * Number.POSITIVE_INFINITY : rounded * step;
}

/** Each pixel by itself, from the definition of Pillow's filter. */
function plainBicubic({ data, width, height }: RgbImage, toWidth: number, toHeight: number): Uint8Array {
  const kernel = (t: number): number => {
    const x = Math.abs(t);
    if (x < 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
    return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
  };
  const line = (values: number[], to: number): number[] => {
    if (values.length === to) return values;
    const scale = values.length / to;
    const f = Math.max(scale, 1);
    return Array.from({ length: to }, (_, i) => {
      const centre = (i + 0.5) * scale;
      const from = Math.max(0, Math.trunc(centre - 2 * f + 0.5));
      const end = Math.min(values.length, Math.trunc(centre + 2 * f + 0.5));
      const weights = values.slice(from, end).map((_, j) => kernel((from + j - centre + 0.5) / f));
      const total = weights.reduce((a, b) => a + b);
      const sum = weights.reduce(
        (so, weight, j) => so + Math.round((weight / total) * 2 ** 22) * values[from + j],
        2 ** 21,
      );
      return Math.min(255, Math.max(0, Math.floor(sum / 2 ** 22)));
    });
  };
  const result = new Uint8Array(toWidth * toHeight * 3);
  for (let c = 0; c < 3; c++) {
    const rows = Array.from({ length: height }, (_, y) =>
      line(
        Array.from({ length: width }, (_, x) => data[(y * width + x) * 3 + c]),
        toWidth,
      ),
    );
    for (let x = 0; x < toWidth; x++) {
      const column = line(
        rows.map((row) => row[x]),
        toHeight,
      );
      column.forEach((value, y) => {
        result[(y * toWidth + x) * 3 + c] = value;
      });
    }
  }
  return result;
}
