import { describe, expect, test } from "vitest";
import { readDirectory } from "#core/checkpoint/read-directory.js";
import { type PlacedTensor, readStoredTensor } from "#core/checkpoint/stored-tensor.js";
import { CountingSource } from "./counting-source.js";
import { dict, type StorageArguments, tensor } from "./pickle-writer.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

const rows = 512;
const columns = 1024;
const kilobyte = 1024;
const megabyte = 1024 * kilobyte;

const wide = (type: string): StorageArguments => ({ type, key: type, elements: rows * columns });
const view = (storage: StorageArguments, offset: number, shape: number[], strides: number[]) =>
  tensor({ storage, offset, shape, strides });

/** Two matrices [512, 1024], float32 and float16, and views of the first: 3 MB in one file. */
const floats = Float32Array.from({ length: rows * columns }, (_, i) => i);
const bytes = tinyCheckpoint({
  root: dict([
    ["float32", view(wide("FloatStorage"), 0, [rows, columns], [columns, 1])],
    ["float16", view(wide("HalfStorage"), 0, [rows, columns], [columns, 1])],
    ["transposed", view(wide("FloatStorage"), 0, [columns, rows], [1, columns])],
    ["row", view(wide("FloatStorage"), 5 * columns, [columns], [1])],
    ["rows", view(wide("FloatStorage"), 5 * columns, [2, columns / 2], [columns, 2])],
    ["column", view(wide("FloatStorage"), 7, [rows], [columns])],
  ]),
  storages: { FloatStorage: floats, HalfStorage: new Uint16Array(rows * columns).fill(0x3c00) },
});

describe("reading is lazy", async () => {
  const source = new CountingSource(bytes);
  const { tensors } = await readDirectory(source);
  const directoryBytes = source.bytesRead;

  async function read(name: string) {
    source.reset();
    return (await readStoredTensor(source, tensors.get(name)!)).data;
  }

  test("opening reads the directory, not the tensors", () => {
    expect(bytes.length).toBeGreaterThan(3 * megabyte);
    expect(directoryBytes).toBeLessThan(100 * kilobyte);
  });

  test("a float32 tensor is read into place, each byte once", async () => {
    expect(Buffer.compare(Buffer.from((await read("float32")).buffer), Buffer.from(floats.buffer))).toBe(0);
    expect([source.bytesRead, source.largestRead]).toEqual([2 * megabyte, 2 * megabyte]);
  });

  test("a converted tensor is read once, in windows", async () => {
    expect((await read("float16")).every((value) => value === 1)).toBe(true);
    expect(source.bytesRead).toBe(megabyte);
    expect(source.largestRead).toBeLessThanOrEqual(256 * kilobyte);
  });

  test("a transposed tensor is read once, in windows", async () => {
    const data = await read("transposed");
    expect(data.every((value, i) => value === (i % rows) * columns + Math.floor(i / rows))).toBe(true);
    expect(source.bytesRead).toBe(2 * megabyte);
    expect(source.largestRead).toBeLessThanOrEqual(256 * kilobyte);
  });

  test.each([
    ["row", 5 * columns, 1024],
    ["rows", 5 * columns, columns + 1023],
    ["column", 7, 511 * columns + 1],
  ])("nothing outside the span of the view %s is read", async (name, offset, span) => {
    const data = await read(name);
    expect(data[0]).toBe(offset);
    const storageStart = (tensors.get("float32") as PlacedTensor).byteOffset;
    expect(source.firstByte).toBe(storageStart + 4 * offset);
    expect(source.endByte).toBe(storageStart + 4 * (offset + span));
    expect(source.bytesRead).toBeLessThanOrEqual(4 * span);
  });
});
