import { describe, expect, test } from "vitest";
import { readAll } from "./in-memory.js";
import { dict, pickle, tensor } from "./pickle-writer.js";
import { type ZipEntryToWrite, zipArchive } from "./zip-writer.js";

const weight = tensor({ storage: { type: "FloatStorage", key: "0", elements: 2 }, shape: [2], strides: [1] });
const root: ZipEntryToWrite = { name: "a/data.pkl", data: pickle(dict([["weight", weight]])) };
const values: ZipEntryToWrite = { name: "a/data/0", data: new Uint8Array(Float32Array.of(1, 2).buffer) };

describe("zip archives", () => {
  test("the sound one of these tests opens", async () => {
    expect((await readAll(zipArchive([root, values]))).weight?.values).toEqual([1, 2]);
  });

  test.each<[string, ZipEntryToWrite[], RegExp]>([
    ["no pickle", [values], /0 records FOLDER\/data\.pkl/],
    ["two pickles", [root, { ...root, name: "b/data.pkl" }, values], /2 records/],
    ["a record listed twice", [root, values, values], /"a\/data\/0" twice/],
    ["a compressed pickle", [{ ...root, method: 8 }, values], /"a\/data\.pkl" is compressed/],
    ["a compressed record", [root, { ...values, method: 8 }], /damaged|compressed/],
    [
      "a record whose own header has another name",
      [root, { ...values, localName: "a/data/1" }],
      /"a\/data\/0".*contradicts/,
    ],
    [
      "a record whose own header has another size",
      [root, { ...values, localSize: 4 }],
      /"a\/data\/0".*contradicts/,
    ],
    ["an entry with a long name", [root, { ...values, name: "a".repeat(600) }], /entry of 600 bytes/],
    ["records in one place", [root, { ...values, claimedOffset: 0 }], /overlaps/],
    [
      "a record without a header of its own",
      [root, { ...values, claimedOffset: 300 }],
      /invalid local file header|overlaps/,
    ],
    ["a record beyond the end", [root, { ...values, claimedOffset: 1e6 }], /outside the file/],
    ["a path that climbs out", [root, values, { name: "../x", data: values.data }], /damaged.*relative path/],
  ])("refused: %s", async (_, entries, reason) => {
    await expect(readAll(zipArchive(entries))).rejects.toThrow(reason);
  });

  test("refused: zip64 numbers beyond the file", async () => {
    const bytes = zipArchive([root, values], { zip64: true });
    const locator = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 0x06, 0x07]));
    for (const offset of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, BigInt(bytes.length)]) {
      bytes.writeBigUInt64LE(offset, locator + 8);
      await expect(readAll(bytes)).rejects.toThrow(/truncated or damaged/);
    }
  });

  test("refused: more records than any checkpoint has", async () => {
    const bytes = zipArchive([root, values], { zip64: true });
    const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 0x06, 0x06]));
    bytes.writeBigUInt64LE(2n ** 40n, end + 32);
    await expect(readAll(bytes)).rejects.toThrow(/claims 1099511627776 records/);
  });
});
