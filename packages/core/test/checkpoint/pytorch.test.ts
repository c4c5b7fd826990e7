import { describe, expect, test } from "vitest";
import { readAll } from "./in-memory.js";
import {
  call,
  dict,
  emptyTuple,
  float,
  global,
  int,
  list,
  none,
  object,
  orderedDict,
  pickle,
  setItems,
  stateDict,
  str,
  tuple,
  yes,
} from "./pickle-writer.js";
import { readTiny, storages, tinyCheckpoint, value, weight } from "./tiny-checkpoint.js";

const weightValues = { weight: value };

describe("where the tensors are", () => {
  test("at the top", async () => {
    expect(await readTiny({ root: stateDict([["weight", weight]]) })).toEqual(weightValues);
    expect(await readTiny({ root: dict([["weight", weight]]) })).toEqual(weightValues);
  });

  test("below keys and in lists, named by their path, in the order of the file", async () => {
    const weights = stateDict([["a.weight", weight]]);
    const root = dict([
      ["ema", dict([["model", weights]])],
      ["models", list(weights, tuple(weight))],
      ["model", weights],
      ["weight", weight],
      [int(0), dict([["lost", weight]])],
    ]);
    const all = await readTiny({ root });
    expect(Object.keys(all)).toEqual([
      "weight",
      "ema.model.a.weight",
      "models.0.a.weight",
      "models.1.0",
      "model.a.weight",
    ]);
    expect(new Set(Object.values(all).map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify(value)]),
    );
  });

  test("one object under two keys", async () => {
    const shared = [...stateDict([["weight", weight]]), 0x71, 0];
    const root = [0x7d, 0x28, ...str("model"), ...shared, ...str("ema"), 0x68, 0, 0x75];
    expect(Object.keys(await readTiny({ root }))).toEqual(["model.weight", "ema.weight"]);
  });

  test("as Parameters", async () => {
    const parameter = call(global("torch._utils", "_rebuild_parameter"), weight, yes, orderedDict([]));
    expect(await readTiny({ root: dict([["weight", parameter]]) })).toEqual(weightValues);
    const state = dict([["no_weight_decay", yes]]);
    const withState = call(
      global("torch._utils", "_rebuild_parameter_with_state"),
      weight,
      yes,
      orderedDict([]),
      state,
    );
    expect(await readTiny({ root: dict([["weight", withState]]) })).toEqual(weightValues);
  });

  test("beside the other keys of a training checkpoint", async () => {
    const scalar = call(
      global("numpy.core.multiarray", "scalar"),
      [...call(global("numpy", "dtype"), str("f8"), int(0), int(1)), ...tuple(int(3), str("<"), none), 0x62],
      call(global("_codecs", "encode"), str("\u0000\u0000"), str("latin1")),
    );
    const root = dict([
      ["epoch", int(3)],
      ["loss", scalar],
      [
        "optimizer",
        dict([
          ["state", dict([[int(0), dict([["exp_avg", weight]])]])],
          ["lr", float(1e-4)],
        ]),
      ],
      ["args", object(global("argparse", "Namespace"), dict([["seed", int(1)]]))],
      ["device", call(global("torch", "device"), str("cuda"), int(0))],
      ["dtype", global("torch", "float8_e4m3fn")],
      ["seen", call(global("__builtin__", "set"), list(int(1)))],
      [
        "model",
        stateDict([
          ["weight", weight],
          ["_extra_state", none],
        ]),
      ],
    ]);
    expect(await readTiny({ root })).toEqual({ "model.weight": value });
  });

  test("beside objects of classes that are not loaded, and in those that are dicts", async () => {
    const config = global("omegaconf.dictconfig", "DictConfig");
    const args = [...object(config, dict([["_content", dict([["weight", weight]])]])), 0x71, 0];
    const box = [...global("easydict", "EasyDict"), ...emptyTuple, 0x81, ...setItems([["weight", weight]])];
    const root = dict([
      ["cfg", args],
      ["types", list(global("typing", "Any"), global("__main__", "Outer.Inner"))],
      ["path", call(global("pathlib", "PosixPath"), str("/"), str("data"))],
      ["args", object(global("types", "SimpleNamespace"), dict([["seed", int(1)]]))],
      ["named", [...global("mine", "Named"), ...emptyTuple, 0x7d, 0x92]],
      ["log", [...global("mine", "Log"), ...emptyTuple, 0x81, 0x28, ...int(1), 0x65]],
      ["model", box],
    ]);
    expect(await readTiny({ root })).toEqual({ "model.weight": value });
  });

  test("nowhere", async () => {
    await expect(readTiny({ root: dict([["epoch", int(3)]]) })).rejects.toThrow(/no tensors\.$/);
    await expect(readTiny({ root: list(weight) })).rejects.toThrow(/no dict/);
    await expect(readTiny({ root: weight })).rejects.toThrow(/a single tensor/);
    const model = object(global("mine.models", "Sam2"), dict([["_parameters", dict([["weight", weight]])]]));
    await expect(readTiny({ root: dict([["model", model]]) })).rejects.toThrow(
      /objects of mine\.models\.Sam2.*state_dict\(\)/,
    );
  });

  test("refused: two of one name", async () => {
    const root = dict([
      ["a", dict([["b", weight]])],
      ["a.b", weight],
    ]);
    await expect(readTiny({ root })).rejects.toThrow(/two tensors named "a\.b"/);
  });

  test("under names that mean something to JavaScript", async () => {
    const names = ["__proto__", "constructor", "toString"];
    const root = dict([
      ...names.map((name) => [name, weight] as const),
      ["__proto__x", dict([["__proto__", dict([["polluted", weight]])]])],
    ]);
    expect(Object.keys(await readAll(tinyCheckpoint({ root, storages })))).toEqual([
      ...names,
      "__proto__x.__proto__.polluted",
    ]);
    expect("polluted" in {}).toBe(false);
  });
});

describe("files torch.save writes", () => {
  test("with any prefix, newer records and zip64", async () => {
    const extraRecords = [
      { name: "Überfein/byteorder", data: Buffer.from("little") },
      { name: "Überfein/.data/serialization_id", data: Buffer.from("123") },
    ];
    expect(await readTiny({ prefix: "Überfein", extraRecords })).toEqual(weightValues);
    expect(await readTiny({ zip64: true })).toEqual(weightValues);
  });

  test("with protocol 4", async () => {
    const short = (text: string) => [0x8c, text.length, ...Buffer.from(text), 0x94];
    const globalOf = (module: string, name: string) => [...short(module), ...short(name), 0x93, 0x94];
    const persistent = [
      0x28,
      ...short("storage"),
      ...globalOf("torch", "FloatStorage"),
      ...short("0"),
      ...short("cpu"),
    ];
    const value = [
      ...globalOf("torch._utils", "_rebuild_tensor_v2"),
      ...[0x28, ...persistent, 0x4b, 6, 0x74, 0x94, 0x51],
      ...[0x4b, 0, 0x4b, 2, 0x4b, 3, 0x86, 0x94, 0x4b, 3, 0x4b, 1, 0x86, 0x94],
      ...[0x89, ...globalOf("collections", "OrderedDict"), 0x29, 0x52, 0x94, 0x74, 0x94, 0x52, 0x94],
    ];
    const framed = [
      0x80,
      4,
      0x95,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0x7d,
      0x94,
      ...short("weight"),
      ...value,
      0x73,
      0x2e,
    ];
    expect(await readTiny({ root: Uint8Array.from(framed) })).toEqual(weightValues);
  });

  test("with values put into and taken from the memo", async () => {
    const remembered = [...str("weight"), 0x71, 7, 0x30, 0x7d, 0x68, 7, ...weight, 0x72, 9, 0, 0, 0, 0x73];
    expect(await readTiny({ root: pickle(remembered) })).toEqual(weightValues);
  });

  test("but not of another byte order", async () => {
    const extraRecords = [{ name: "archive/byteorder", data: Buffer.from("big") }];
    await expect(readTiny({ extraRecords })).rejects.toThrow(/byte order is "big"/);
  });
});
