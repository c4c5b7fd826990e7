import { describe, expect, test } from "vitest";
import { collectTensors } from "#core/checkpoint/pytorch/collect-tensors.js";
import { ForeignTensor, PickleList } from "#core/checkpoint/pytorch/pickle/pickle-values.js";
import { unpickle } from "#core/checkpoint/pytorch/pickle/unpickle.js";
import { dict, global, littleEndian, type PickleBytes, pickle, str } from "./pickle-writer.js";

const megabyte = 2 ** 20;

/** `bytes`, so many times over; these pickles are too long for arrays of numbers. */
function repeated(bytes: PickleBytes, times: number): Buffer {
  return Buffer.alloc(bytes.length * times, Uint8Array.from(bytes));
}

function program(...parts: (PickleBytes | Uint8Array)[]): Uint8Array {
  return Buffer.concat([
    Uint8Array.of(0x80, 2),
    ...parts.map((part) => Uint8Array.from(part)),
    Uint8Array.of(0x2e),
  ]);
}

const orderedDictClass = [...global("collections", "OrderedDict"), 0x94];

describe("pickles that try to exhaust the reader", () => {
  test.each<[string, () => Uint8Array, RegExp]>([
    [
      "fifteen million empty dicts",
      () => program(repeated([0x7d], 15 * megabyte)),
      /more than 1000000 opcodes/,
    ],
    ["fifteen million marks", () => program(repeated([0x28], 15 * megabyte)), /more than 1000000 opcodes/],
    [
      "fifteen million memo entries",
      () => program([0x7d], repeated([0x94], 15 * megabyte)),
      /more than 1000000/,
    ],
    ["tuples nested a million deep", () => program([0x29], repeated([0x85], megabyte)), /more than 1000000/],
    [
      "a million calls",
      () => program(orderedDictClass, repeated([0x68, 0, 0x29, 0x52], megabyte)),
      /more than 1000000/,
    ],
    ["a text of 2^63 bytes", () => program([0x8d, ...littleEndian(2n ** 63n, 8)]), /ends within a value/],
    [
      "bytes of 2^64 - 1 bytes",
      () => program([0x8e, ...littleEndian(2n ** 64n - 1n, 8)]),
      /ends within a value/,
    ],
    ["a text of 4 GB", () => program([0x58, 0xff, 0xff, 0xff, 0xff]), /ends within a value/],
    [
      "numbers of 255 bytes",
      () => program(repeated([0x8a, 255, ...Array(255).fill(0x7f)], 50_000), [0x52]),
      /no function/,
    ],
    ["a module name that never ends", () => program([0x63], repeated([0x61], megabyte)), /no end of line/],
  ])("%s", async (_, make, reason) => {
    const bytes = make();
    const residentBefore = process.memoryUsage().rss;
    const started = performance.now();
    await expect(unpickle(bytes)).rejects.toThrow(reason);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(process.memoryUsage().rss - residentBefore).toBeLessThan(200 * megabyte);
  });

  test("a list of lists of lists … stays as small as its pickle", async () => {
    // Forty lists, each of ten times the one before: 10^40 items if anybody walked them.
    const level = (of: number) => [0x5d, 0x94, 0x28, ...Array(10).fill([0x68, of]).flat(), 0x65];
    const value = await unpickle(program([0x5d, 0x94], ...Array.from({ length: 40 }, (_, i) => level(i))));
    expect(value).toBeInstanceOf(PickleList);
  });

  test("dicts of dicts of dicts … are not walked for ever, nor named", async () => {
    // Eleven levels of ten, with a tensor at the end: 10^11 paths to it.
    const level = (of: number) => [
      ...[0x7d, 0x94, 0x28],
      ...Array.from({ length: 10 }, (_, k) => [...str(`k${k}`), 0x68, of]).flat(),
      0x75,
    ];
    const value = await unpickle(program([0x7d, 0x94], ...Array.from({ length: 11 }, (_, i) => level(i))));
    const started = performance.now();
    await expect(collectTensors(value)).rejects.toThrow(/hold one another in more than 2000000 places/);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("tensors rebuilt from tensors rebuilt from tensors …", async () => {
    const rebuild = [...global("torch._tensor", "_rebuild_from_type_v2"), 0x71, 0];
    const depth = 100_000;
    const value = program(
      rebuild,
      [0x29],
      repeated([0x71, 1, 0x30, 0x28, 0x68, 0, 0x68, 0, 0x68, 1, 0x4e, 0x74], depth),
      [0x52],
    );
    expect(await unpickle(value)).toBeInstanceOf(ForeignTensor);
  });

  test("a dict that holds itself", async () => {
    const value = await unpickle(program([0x7d, 0x94, ...str("model"), 0x68, 0, 0x73]));
    expect(value).toHaveProperty("isOrdered", false);
  });
});

describe("pickles that try to reach what they should not", () => {
  test.each([
    ["posix", "system"],
    ["os", "system"],
    ["builtins", "eval"],
    ["__builtin__", "getattr"],
    ["subprocess", "Popen"],
    ["torch", "load"],
    ["torch.hub", "load"],
    ["numpy", "load"],
    ["collections", "OrderedDict.fromkeys"],
    ["torch._utils", "constructor"],
    ["", "__proto__"],
    ["constructor", "prototype"],
    ["types", "FunctionType"],
    ["os.path", "System"],
    ["multiprocessing.process", "Process"],
    ["a b", "Class"],
    ["mine", "Class()"],
    ["mine", "Class.method"],
  ])("the global %s.%s", async (module, name) => {
    await expect(unpickle(pickle(global(module, name)))).rejects.toThrow(
      new RegExp(`refers to .*${name.replaceAll(".", "\\.")}.*save only its weights`),
    );
  });

  test("a global whose name is control characters is named readably", async () => {
    await expect(unpickle(pickle(global("a\u001b[31m", "b")))).rejects.toThrow(/"a\\u001b\[31m"\.b/);
  });

  test.each<[string, PickleBytes, RegExp]>([
    ["calling a number", [0x4b, 1, 0x29, 0x52], /calls something that is no function/],
    [
      "calling a storage class",
      [...global("torch", "FloatStorage"), 0x29, 0x52],
      /torch\.FloatStorage with arguments/,
    ],
    ["attributes of a dict", [...dict([]), ...dict([["x", str("y")]]), 0x62], /sets attributes/],
    [
      "attributes of an OrderedDict",
      [...orderedDictClass, 0x29, 0x52, ...dict([["x", str("y")]]), 0x62],
      /sets attributes/,
    ],
    [
      "attributes of a class",
      [...orderedDictClass, ...dict([["_metadata", str("y")]]), 0x62],
      /sets attributes/,
    ],
    ["items of a class", [...orderedDictClass, ...str("k"), ...str("v"), 0x73], /no dict/],
    ["a persistent id of another kind", [...str("module"), 0x51], /no tensor storage/],
    ["taking what a mark protects", [0x4b, 1, 0x28, 0x85, 0x29], /empty stack/],
    ["an extension code", [0x82, 1], /opcode 0x82/],
    ["an instance by name", [...Buffer.from("(iposix\nsystem\n")], /opcode 0x69/],
  ])("%s", async (_, value, reason) => {
    await expect(unpickle(pickle(value))).rejects.toThrow(reason);
  });
});
