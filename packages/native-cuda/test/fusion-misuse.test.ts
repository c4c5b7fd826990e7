import { describe, expect, it } from "vitest";
import { addon, describeWithAddon } from "./addon.js";

/** Anything at all, as if it were what the types ask for. */
const wrong = (value: unknown) => value as never;

type TypedArray = Uint8Array | Float32Array | Float64Array | Uint32Array | Int32Array | Uint16Array;

function detached<T extends TypedArray>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

/** What the tests look at in a result. */
interface Finished {
  readonly masks: { readonly words: Uint32Array };
  readonly areas: Uint32Array;
  readonly stability: Float64Array;
  readonly boxes: Int32Array;
}
const operations = () =>
  addon().operations as unknown as Record<string, (...args: readonly unknown[]) => Promise<Finished>>;

const WORK = { threads: 2 };
const THRESHOLDS = { threshold: 0, stabilityOffset: 1 };
const FINISH = { ...THRESHOLDS, ...WORK, keepWords: true, runLengths: true };
const MAPS = { count: 2, height: 4, width: 6, data: new Float32Array(48).fill(2) };
const MASKS = { count: 2, width: 33, height: 3, words: new Uint32Array(12).fill(1) };
const BOXES = new Int32Array(8);
const AREAS = Uint32Array.of(9, 5);
const SCORES = Float64Array.of(0.5, 0.75);
const OVERLAPS = { count: 2, common: Uint32Array.of(4) };
const FOREST = {
  count: 2,
  parent: Int32Array.of(-1, 0),
  level: Uint16Array.of(9, 3),
  order: Int32Array.of(0, 1),
};
const FINEST = Int32Array.of(0, 1, 2, 1, 0, 2);
const SIZE = { width: 3, height: 2 };
const CUES = {
  ...{ columns: 2, rows: 1, border: new Float32Array(2), height: new Float32Array(2) },
  ...{ dimensions: 2, metric: new Float32Array(4) },
};

/** Not even by mistake an argument of any of the functions. */
const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  7,
  Number.NaN,
  "text",
  {},
  [],
  new DataView(new ArrayBuffer(8)),
];

describeWithAddon("misuse of the fusion functions ends in typed errors", () => {
  const sound: Record<string, readonly unknown[]> = {
    finishMasks: [MAPS, SIZE, FINISH],
    maskStatistics: [MAPS, { ...THRESHOLDS, ...WORK }],
    cleanLogits: [MAPS, { maxHoleArea: 3, maxSprinkleArea: 2, ...WORK }],
    pairwiseOverlaps: [MASKS, BOXES, WORK],
    removeDuplicates: [AREAS, SCORES, OVERLAPS, { maxIoU: 0.9 }],
    suppressBoxes: [new Float64Array(8), SCORES, { maxIoU: 0.9 }],
    buildForest: [AREAS, SCORES, SCORES, OVERLAPS, { containment: 0.8 }],
    fuseLabels: [FINEST, FOREST, SIZE, WORK],
    mergePatches: [{ height: 2, width: 3, channels: 4, data: new Float32Array(24).fill(1) }, WORK],
    buildRegionHierarchy: [{ width: 3, height: 2, data: new Uint8Array(18) }, CUES, WORK],
  };
  const call = (name: string, args: readonly unknown[]): Promise<unknown> => operations()[name](...args);
  const typed = { code: expect.stringMatching(/^E_BAD_(PROMPT|OPTION|FILE)$/), message: expect.any(String) };

  describe.each(Object.entries(sound))("%s", (name, args) => {
    it("works", async () => {
      await expect(call(name, args)).resolves.toBeDefined();
    });

    it("rejects nonsense in place of each argument", async () => {
      for (let i = 0; i < args.length; i++) {
        for (const value of NONSENSE) {
          const given = args.with(i, value);
          // No network saw the image.
          if (name === "buildRegionHierarchy" && i === 1 && value === null) continue;
          // A number may be what was asked for.
          if (typeof value === typeof args[i] && typeof value !== "object" && !Number.isNaN(value)) continue;
          await expect(call(name, given), `argument ${i}: ${String(value)}`).rejects.toMatchObject(typed);
        }
      }
      await expect(call(name, [])).rejects.toMatchObject(typed);
    });

    it("rejects nonsense in place of each property", async () => {
      for (const [i, argument] of args.entries()) {
        if (typeof argument !== "object" || ArrayBuffer.isView(argument)) continue;
        for (const key of Object.keys(argument as object)) {
          for (const value of [undefined, null, Number.NaN, -1, 0.5, "text", {}, Symbol("x"), 1n]) {
            const number = typeof (argument as Record<string, unknown>)[key] === "number";
            // Some numbers may be negative or broken ones.
            if (number && typeof value === "number" && !Number.isNaN(value)) continue;
            const given = args.with(i, { ...(argument as object), [key]: value });
            await expect(call(name, given), `${key}: ${String(value)}`).rejects.toMatchObject(typed);
          }
        }
      }
    });

    it("rejects arrays that are detached, or of another length or type", async () => {
      const broken = (array: TypedArray): TypedArray[] => [
        detached(array.slice()),
        array.slice(0, -1),
        Object.assign(new (array.constructor as Float32ArrayConstructor)(array.length + 1)),
        new (array instanceof Uint32Array ? Float32Array : Uint32Array)(array.length),
      ];
      for (const [i, argument] of args.entries()) {
        if (ArrayBuffer.isView(argument)) {
          for (const array of broken(argument as TypedArray)) {
            await expect(call(name, args.with(i, array))).rejects.toMatchObject(typed);
          }
        } else if (typeof argument === "object") {
          for (const [key, value] of Object.entries(argument as object)) {
            if (!ArrayBuffer.isView(value)) continue;
            for (const array of broken(value as TypedArray)) {
              const given = args.with(i, { ...(argument as object), [key]: array });
              await expect(call(name, given), key).rejects.toMatchObject(typed);
            }
          }
        }
      }
    });
  });

  it("sizes beyond all memory, and no masks at all", async () => {
    const { finishMasks, maskStatistics, pairwiseOverlaps } = operations();
    const huge = { width: 2 ** 26, height: 2 ** 26 };
    await expect(finishMasks(MAPS, huge, FINISH)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    await expect(finishMasks({ ...MAPS, count: 2 ** 53 - 1 }, SIZE, FINISH)).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
    });
    const none = { count: 0, height: 4, width: 6, data: new Float32Array(0) };
    await expect(finishMasks(none, SIZE, FINISH)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    await expect(maskStatistics({ ...none, data: [] }, FINISH)).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
    });
    await expect(pairwiseOverlaps({ ...MASKS, ...huge }, BOXES, WORK)).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
    });
    const empty = { count: 0, width: 5, height: 5, words: new Uint32Array(0) };
    await expect(pairwiseOverlaps(empty, new Int32Array(0), WORK)).resolves.toEqual({
      count: 0,
      common: new Uint32Array(0),
    });
  });

  it("threads that are none", async () => {
    for (const threads of [0, -1, 1.5, 1025, 1e9, Number.NaN, "2", undefined]) {
      await expect(operations().pairwiseOverlaps(MASKS, BOXES, wrong({ threads }))).rejects.toMatchObject({
        code: "E_BAD_OPTION",
      });
    }
  });

  it("forests that are none", async () => {
    const forests: Record<string, object> = {
      "a parent out of range": { parent: Int32Array.of(-1, 7) },
      "a cycle": { parent: Int32Array.of(1, 0) },
      "a region twice in the order": { order: Int32Array.of(0, 0) },
      "a negative region in the order": { order: Int32Array.of(0, -5) },
      "children before parents": { order: Int32Array.of(1, 0) },
      "a level that falls": { level: Uint16Array.of(3, 9) },
      "another count": { count: 3 },
    };
    for (const [what, change] of Object.entries(forests)) {
      const forest = { ...FOREST, ...change };
      const expected = { code: "E_BAD_PROMPT" };
      await expect(operations().fuseLabels(FINEST, forest, SIZE, WORK), what).rejects.toMatchObject(expected);
    }
    for (const label of [-1, 3, 2 ** 31 - 1]) {
      const finest = FINEST.with(0, label);
      await expect(operations().fuseLabels(finest, FOREST, SIZE, WORK)).rejects.toMatchObject({
        code: "E_BAD_PROMPT",
      });
    }
  });

  it("bits beyond the width, boxes outside, scores that are no numbers", async () => {
    const expected = { code: "E_BAD_PROMPT" };
    const words = new Uint32Array(12).fill(0xffffffff);
    await expect(operations().pairwiseOverlaps({ ...MASKS, words }, BOXES, WORK)).rejects.toMatchObject(
      expected,
    );
    await expect(operations().pairwiseOverlaps(MASKS, BOXES.with(2, 33), WORK)).rejects.toMatchObject(
      expected,
    );
    await expect(operations().pairwiseOverlaps(MASKS, BOXES.with(3, -1), WORK)).rejects.toMatchObject(
      expected,
    );
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const scores = SCORES.with(1, value);
      await expect(
        operations().removeDuplicates(AREAS, scores, OVERLAPS, { maxIoU: 0.9 }),
      ).rejects.toMatchObject(expected);
    }
  });

  it("NaN logits are background", async () => {
    const data = new Float32Array(48).fill(Number.NaN);
    const finished = await operations().finishMasks({ ...MAPS, data }, SIZE, FINISH);
    expect([...finished.areas, ...finished.stability, ...finished.boxes]).toEqual(new Array(12).fill(0));
  });

  it("shared memory is read where it lies, however it is called", async () => {
    const data = new Float32Array(new SharedArrayBuffer(64 * 128 * 128 * 4)).fill(1);
    // A property of the array that says otherwise changes nothing.
    Object.defineProperty(data, "buffer", { value: new ArrayBuffer(0) });
    const maps = { count: 64, height: 128, width: 128, data };
    const size = { width: 512, height: 512 };
    const finished = await operations().finishMasks(maps, size, FINISH);
    expect(finished.areas.every((area) => area === 512 * 512)).toBe(true);
    // Written to in the middle, it gives masks of either state, whole ones.
    const running = operations().finishMasks(maps, size, FINISH);
    data.fill(-1);
    const { areas, masks } = await running;
    const bits = masks.words.reduce((sum, word) => sum + word.toString(2).replaceAll("0", "").length, 0);
    expect(areas.reduce((a, b) => a + b)).toBe(bits);
    await expect(operations().finishMasks({ ...maps, count: 65 }, size, FINISH)).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
    });
  });

  it("memory that only says it is shared is copied", async () => {
    const data = new Float32Array(64 * 128 * 128).fill(1);
    Object.defineProperty(data, "buffer", { value: new SharedArrayBuffer(8) });
    const maps = { count: 64, height: 128, width: 128, data };
    const running = operations().finishMasks(maps, { width: 512, height: 512 }, FINISH);
    data.fill(-1);
    expect((await running).areas.every((area) => area === 512 * 512)).toBe(true);
  });

  it("shared memory goes with the garbage, and outlives whoever else held it", async () => {
    for (let i = 0; i < 40; i++) {
      const data = new Float32Array(new SharedArrayBuffer(64 * 2 ** 20)).fill(1);
      const maps = { count: 256, height: 256, width: 256, data };
      await operations().maskStatistics(maps, { ...THRESHOLDS, ...WORK });
    }
    expect(process.memoryUsage().rss).toBeLessThan(2 * 2 ** 30);
  });

  it("buffers that are transferred away, or written to, while the work runs", async () => {
    const data = new Float32Array(64 * 128 * 128).fill(1);
    const maps = { count: 64, height: 128, width: 128, data };
    const size = { width: 512, height: 512 };
    const running = operations().finishMasks(maps, size, FINISH);
    data.fill(-1);
    detached(data);
    expect((await running).areas.every((area) => area === 512 * 512)).toBe(true);
  });

  it("the caller's own errors come back as they are", async () => {
    const thrown = new RangeError("mine");
    const maps = {
      ...MAPS,
      get data(): Float32Array {
        throw thrown;
      },
    };
    await expect(operations().finishMasks(maps, SIZE, FINISH)).rejects.toBe(thrown);
    const proxy = new Proxy([MAPS.data], {
      get() {
        throw thrown;
      },
    });
    await expect(operations().finishMasks({ ...MAPS, data: proxy }, SIZE, FINISH)).rejects.toThrow();
  });
});
