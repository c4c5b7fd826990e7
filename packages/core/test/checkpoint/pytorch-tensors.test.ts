import { describe, expect, test } from "vitest";
import { MemorySource } from "#core/checkpoint/byte-source.js";
import { readDirectory } from "#core/checkpoint/read-directory.js";
import { readStoredTensor } from "#core/checkpoint/stored-tensor.js";
import {
  call,
  dict,
  emptyTuple,
  float,
  global,
  int,
  list,
  no,
  none,
  orderedDict,
  type PickleBytes,
  storage,
  str,
  tensor,
  tuple,
  yes,
} from "./pickle-writer.js";
import { readTensor, readTiny, six, storages, tinyCheckpoint, value, weight } from "./tiny-checkpoint.js";

describe("views of storages", () => {
  const view = (offset: number | bigint, shape: (number | bigint)[], strides: (number | bigint)[]) =>
    readTensor(tensor({ storage: six, offset, shape, strides }));

  test("transposed, sliced, repeated, scalar and empty", async () => {
    expect(await view(0, [3, 2], [1, 3])).toEqual({ values: [0, 3, 1, 4, 2, 5], shape: [3, 2] });
    expect(await view(1, [2, 2], [3, 1])).toEqual({ values: [1, 2, 4, 5], shape: [2, 2] });
    expect(await view(5, [2, 2], [0, 0])).toEqual({ values: [5, 5, 5, 5], shape: [2, 2] });
    expect(await view(4, [], [])).toEqual({ values: [4], shape: [] });
    expect(await view(0, [0, 3], [3, 1])).toEqual({ values: [], shape: [0, 3] });
    expect(await view(1, [2, 1, 2], [2, 999, 1])).toEqual({ values: [1, 2, 3, 4], shape: [2, 1, 2] });
  });

  test("overlapping itself", async () => {
    expect(await view(0, [4, 3], [1, 1])).toEqual({
      values: [0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5],
      shape: [4, 3],
    });
    expect((await view(0, [2, 3], [1, 2]))?.values).toEqual([0, 2, 4, 1, 3, 5]);
  });

  test("sharing a storage", async () => {
    const first = tensor({ storage: six, shape: [3], strides: [1] });
    const last = tensor({ storage: six, offset: 3, shape: [3], strides: [1] });
    const all = await readTiny({
      root: dict([
        ["first", first],
        ["last", last],
      ]),
    });
    expect([all.first?.values, all.last?.values]).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });

  test.each<[string, number | bigint, (number | bigint)[], (number | bigint)[], RegExp]>([
    ["beyond the end", 1, [2, 3], [3, 1], /beyond its storage of 6/],
    ["a negative offset", -1, [2], [1], /offset -1/],
    ["a negative stride", 5, [3], [-1], /-1 in the strides/],
    ["a negative side", 0, [-2], [1], /-2 in the shape/],
    ["a stride that overflows", 0, [3], [2n ** 62n], /no size/],
    ["a last index that overflows", 0, [2 ** 40], [2 ** 40], /more elements than/],
    ["sides whose product overflows", 0, [2 ** 32, 2 ** 32], [0, 0], /more elements than/],
    ["more repeats than the file has bytes", 0, [2 ** 24], [0], /more elements than/],
    ["ranks that differ", 0, [2, 3], [1], /2 sides but 1 strides/],
    ["an offset beyond the integers", 2n ** 70n, [1], [1], /begins outside/],
  ])("refused: %s", async (_, offset, shape, strides, reason) => {
    await expect(view(offset, shape, strides)).rejects.toThrow(reason);
  });

  test("refused: sizes that are no integers", async () => {
    const withSize = (size: PickleBytes) =>
      readTensor(
        call(
          global("torch._utils", "_rebuild_tensor_v2"),
          storage(six),
          int(0),
          tuple(size),
          tuple(int(1)),
          none,
          none,
        ),
      );
    for (const size of [float(Number.NaN), float(1.5), str("2"), yes, none, list()]) {
      await expect(withSize(size)).rejects.toThrow(/no size/);
    }
  });

  test("refused: storages that claim what their record does not hold", async () => {
    const claim = (elements: number | bigint) =>
      readTensor(tensor({ storage: { ...six, elements }, shape: [1], strides: [1] }));
    for (const elements of [7, 2n ** 62n, -1])
      await expect(claim(elements)).rejects.toThrow(/its record has 24 bytes/);
    const nan = [
      ...tuple(str("storage"), global("torch", "FloatStorage"), str("0"), str("cpu"), float(Number.NaN)),
      0x51,
    ];
    await expect(
      readTensor(
        call(global("torch._utils", "_rebuild_tensor_v2"), nan, int(0), emptyTuple, emptyTuple, none, none),
      ),
    ).rejects.toThrow(/claims NaN/);
  });
});

describe("dtypes", () => {
  test.each<[string, ArrayBufferView, number[]]>([
    ["DoubleStorage", Float64Array.of(0.1, -1e300), [Math.fround(0.1), -Infinity]],
    ["FloatStorage", Float32Array.of(0.1, -2), [Math.fround(0.1), -2]],
    ["HalfStorage", Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ["BFloat16Storage", Uint16Array.of(0x3f80, 0xc000), [1, -2]],
    ["LongStorage", BigInt64Array.of(-3n, 2n ** 53n + 2n ** 29n + 1n), [-3, 2 ** 53 + 2 ** 30]],
    ["IntStorage", Int32Array.of(-3, 7), [-3, 7]],
    ["ShortStorage", Int16Array.of(-3, 7), [-3, 7]],
    ["CharStorage", Int8Array.of(-3, 7), [-3, 7]],
    ["ByteStorage", Uint8Array.of(253, 7), [253, 7]],
    ["BoolStorage", Uint8Array.of(0, 1), [0, 1]],
  ])("%s becomes float32", async (type, bytes, values) => {
    const value = tensor({ storage: { type, key: "x", elements: 2 }, shape: [2], strides: [1] });
    const reversed = tensor({ storage: { type, key: "x", elements: 2 }, shape: [2, 2], strides: [0, 1] });
    const all = await readTiny({
      root: dict([
        ["t", value],
        ["r", reversed],
      ]),
      storages: { x: bytes },
    });
    expect(all.t?.values).toEqual(values);
    expect(all.r?.values).toEqual([...values, ...values]);
  });

  /** A tensor over an untyped storage, as torch.save writes newer dtypes. */
  const untyped = (dtype: string) =>
    call(
      global("torch._utils", "_rebuild_tensor_v3"),
      storage({ type: "UntypedStorage", module: "torch.storage", key: "0", elements: 24 }),
      int(2),
      tuple(int(2)),
      tuple(int(1)),
      none,
      none,
      global("torch", dtype),
    );

  test("an untyped storage with a dtype", async () => {
    expect((await readTensor(untyped("float32")))?.values).toEqual([2, 3]);
    expect((await readTensor(untyped("int16")))?.values).toEqual([0, 0x3f80]);
  });

  const rebuilt = (name: string, ...args: PickleBytes[]) => call(global("torch._utils", name), ...args);
  const quantised = rebuilt(
    "_rebuild_qtensor",
    storage({ type: "QInt8Storage", key: "0", elements: 24 }),
    int(0),
    tuple(int(4)),
    tuple(int(1)),
    tuple(global("torch", "per_tensor_affine"), float(0.1), int(0)),
    no,
    orderedDict([]),
  );
  const sparse = rebuilt(
    "_rebuild_sparse_tensor",
    call(global("torch.serialization", "_get_layout"), str("torch.sparse_coo")),
    tuple(weight, weight, tuple(int(2), int(3)), yes),
  );
  const complex = tensor({
    storage: { type: "ComplexFloatStorage", key: "0", elements: 3 },
    shape: [3],
    strides: [1],
  });
  const ofType = call(
    global("torch._tensor", "_rebuild_from_type_v2"),
    global("torch._utils", "_rebuild_wrapper_subclass"),
    global("torchao.dtypes", "AffineQuantizedTensor"),
    tuple(global("torchao.dtypes", "AffineQuantizedTensor"), global("torch", "float32"), tuple(int(8))),
    none,
  );

  test.each<[string, PickleBytes, string, number[]]>([
    ["float8", untyped("float8_e5m2"), "float8_e5m2", [2]],
    ["int4", untyped("int4"), "int4", [2]],
    ["uint16", untyped("uint16"), "uint16", [2]],
    ["complex", complex, "complex64", [3]],
    ["quantised", quantised, "quantised", [4]],
    ["sparse", sparse, "sparse", [2, 3]],
    ["of a class of its own", ofType, "subclass", [8]],
  ])("%s tensors are listed and passed over; asked for, they say why not", async (_, odd, dtype, shape) => {
    const source = new MemorySource(
      tinyCheckpoint({
        root: dict([
          ["odd", odd],
          ["weight", weight],
        ]),
        storages,
      }),
    );
    const { tensors } = await readDirectory(source);
    expect(tensors.get("odd")).toEqual({ name: "odd", dtype, shape, isReadable: false });
    expect([...(await readStoredTensor(source, tensors.get("weight")!)).data]).toEqual(value.values);
    await expect(readStoredTensor(source, tensors.get("odd")!)).rejects.toThrow(
      `tensor "odd" is stored as ${dtype}, which is not read here`,
    );
  });

  test("a tensor with attributes is the tensor", async () => {
    const typed = call(
      global("torch._tensor", "_rebuild_from_type_v2"),
      global("torch._utils", "_rebuild_tensor_v2"),
      global("torch.nn.parameter", "Buffer"),
      tuple(storage(six), int(0), tuple(int(2)), tuple(int(1)), no, orderedDict([])),
      dict([["note", str("x")]]),
    );
    expect((await readTensor(typed))?.values).toEqual([0, 1]);
  });
});
