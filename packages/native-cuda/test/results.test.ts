import { expect, it } from "vitest";
import { addon, click, createImage, describeWithAddon } from "./addon.js";

// What the addon returns may be moved to another thread by whoever holds it, also where the answer is large: memory of
// C++ under an external ArrayBuffer may not (Node 22 and later throw, earlier ones copy and leave the buffer in place).

type TypedArray = Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** From this size on the addon once used external buffers. */
const LARGE_BYTES = 4096;

/** All typed arrays of a result, however deep. */
function arraysOf(value: unknown): TypedArray[] {
  if (ArrayBuffer.isView(value)) return [value as TypedArray];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(arraysOf);
}

function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Moves all arrays through a message channel at once, and compares what arrives with copies made before. */
function expectMovable(result: unknown): void {
  const arrays = arraysOf(result);
  expect(Math.max(...arrays.map(({ byteLength }) => byteLength))).toBeGreaterThan(LARGE_BYTES);
  const copies = arrays.map((array) => array.slice());
  const buffers = arrays.map(({ buffer }) => buffer as ArrayBuffer);
  expect(new Set(buffers).size, "each array has a buffer of its own").toBe(buffers.length);
  const moved = structuredClone(arrays, { transfer: buffers });
  expect(moved.map((array) => array.constructor)).toEqual(copies.map((array) => array.constructor));
  expect(moved.every((array, i) => bytesOf(array).equals(bytesOf(copies[i])))).toBe(true);
  expect(buffers.map(({ byteLength }) => byteLength)).toEqual(buffers.map(() => 0));
}

/** What one operation gives is what another takes. */
const operations = () =>
  addon().operations as Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
const WORK = { threads: 2 };
const THRESHOLDS = { threshold: 0, stabilityOffset: 1 };
const WIDTH = 64;
const HEIGHT = 40;
const SIZE = { width: WIDTH, height: HEIGHT };
const COUNT = 1200;

/** Boxes of all kinds, one a mask. */
function manyMasks() {
  const rowWords = WIDTH / 32;
  const words = new Uint32Array(COUNT * HEIGHT * rowWords);
  for (let k = 0; k < COUNT; k++) {
    const [left, top, width, height] = [k % 50, (k * 7) % 30, 1 + (k % 13), 1 + (k % 9)];
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++)
        words[(k * HEIGHT + y) * rowWords + (x >> 5)] |= 1 << (x & 31);
    }
  }
  return { count: COUNT, ...SIZE, words };
}

const wave = (length: number) => Float32Array.from({ length }, (_, i) => 9 * Math.sin(i / 5 + i * i * 1e-4));

describeWithAddon("results of any size can be moved to another thread", () => {
  const masks = manyMasks();
  const maps = { count: 40, width: 48, height: 48, data: wave(40 * 48 * 48) };
  const facts = async () => {
    const boxes = Int32Array.from({ length: 4 * COUNT }, (_, i) => (i % 4 < 2 ? 0 : 39));
    const areas = Uint32Array.from({ length: COUNT }, (_, k) => (1 + (k % 13)) * (1 + (k % 9)));
    const scores = Float64Array.from({ length: COUNT }, (_, k) => 1 / (k + 1));
    const overlaps = await operations().pairwiseOverlaps(masks, boxes, WORK);
    const forest = await operations().buildForest(areas, scores, scores, overlaps, { containment: 0.9 });
    const finest = Int32Array.from({ length: WIDTH * HEIGHT }, (_, i) => i % (COUNT + 1));
    return { boxes, areas, scores, overlaps, forest, finest };
  };

  const calls: Record<string, () => Promise<unknown>> = {
    cleanLogits: () => operations().cleanLogits(maps, { maxHoleArea: 5, maxSprinkleArea: 5, ...WORK }),
    finishMasks: () =>
      operations().finishMasks(maps, SIZE, { ...THRESHOLDS, ...WORK, keepWords: true, runLengths: true }),
    maskStatistics: () => operations().maskStatistics(maps, { ...THRESHOLDS, ...WORK }),
    pairwiseOverlaps: async () => (await facts()).overlaps,
    removeDuplicates: async () => {
      const { areas, scores, overlaps } = await facts();
      return operations().removeDuplicates(areas, scores, overlaps, { maxIoU: 1 });
    },
    suppressBoxes: () => {
      const boxes = Float64Array.from({ length: 8000 }, (_, i) => 2 * (i >> 2) + (i % 4 < 2 ? 0 : 1));
      return operations().suppressBoxes(boxes, new Float64Array(2000).fill(0.5), { maxIoU: 0.5 });
    },
    buildForest: async () => (await facts()).forest,
    fuseLabels: async () => {
      const { finest, forest } = await facts();
      return operations().fuseLabels(finest, forest, SIZE, WORK);
    },
    mergePatches: () =>
      operations().mergePatches({ width: 40, height: 40, channels: 4, data: wave(40 * 40 * 4) }, WORK),
    buildRegionHierarchy: () =>
      operations().buildRegionHierarchy(
        {
          width: 96,
          height: 96,
          data: Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * i * 31) & 255),
        },
        null,
        WORK,
      ),
  };

  it.each(Object.entries(calls))("%s", async (_, call) => {
    expectMovable(await call());
  });

  it("decode", async () => {
    const { decoder, image } = await createImage(16);
    expectMovable(await decoder.decode(image, [click(), click(9, 9)], { threads: 2, multimask: true }));
  });
});
