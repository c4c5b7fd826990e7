import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";
import {
  findModelWeights,
  modelWeightPlaces,
  type NamedTensors,
  parseModelConfig,
  resolveModel,
  weightsFingerprint,
} from "#core/models/index.js";
import { dict, int, type PickleBytes, stateDict, tensor } from "../checkpoint/pickle-writer.js";
import { tinyCheckpoint } from "../checkpoint/tiny-checkpoint.js";
import { requiredShapes } from "../support/synthetic-model.js";

const config = {
  image_size: 64,
  image_encoder: { trunk: { embed_dim: 8, stages: [1, 1, 1, 1], global_att_blocks: [] } },
};
const official = requiredShapes(parseModelConfig(config), true);

/** A checkpoint with these names; nothing of it is read. */
function named(...groups: readonly (readonly [prefix: string, names: Iterable<string>])[]): NamedTensors {
  const tensors = new Map<string, { shape: readonly number[]; dtype?: string; isReadable?: boolean }>();
  for (const [prefix, names] of groups) {
    for (const name of names) tensors.set(prefix + name, official.get(name) ?? { shape: [1] });
  }
  return { tensors, path: "some.pt", read: (name) => Promise.reject(new Error(`${name} was read`)) };
}

const model = [...official.keys()];

describe("a common prefix is found by the tensors and stripped", () => {
  it.each([
    "",
    "module.",
    "_orig_mod.",
    "model.",
    "sam2.",
    "module._orig_mod.model.sam2.",
    "model.module.module.",
    "checkpoint.model.",
    "model_ema.module.",
    "net.params.",
    "0.",
    "__proto__.",
    "_fsdp_wrapped_module._forward_module.",
    "a b.",
  ])("“%s”", (prefix) => {
    const found = findModelWeights(
      named([prefix, [...model, "memory_attention.layers.0.norm1.weight"]], ["optimizer.", ["lr"]]),
    );
    expect([...found.tensors.keys()].slice(0, model.length)).toEqual(model);
    expect(found.place.key).toBe(prefix === "" ? "." : prefix.slice(0, -1));
    expect(found.places).toHaveLength(1);
    expect(resolveModel(found, config).granularity).toBe(true);
  });

  it("between parts of a name, where parts of a model were wrapped on their own", () => {
    const wrapped = model.map((name) =>
      name
        .replace(/^image_encoder\./, "image_encoder._orig_mod.")
        .replace(
          /^sam_mask_decoder\.transformer\./,
          "sam_mask_decoder.module.transformer._checkpoint_wrapped_module.",
        ),
    );
    const tensors = new Map(wrapped.map((name, i) => [name, official.get(model[i])!]));
    const found = findModelWeights({ tensors, read: () => Promise.reject(new Error("read")) });
    expect([...found.tensors.keys()]).toEqual(model);
    expect(found.place.key).toBe(".");
  });

  it("also where a tensor that is looked for is the one that is missing", () => {
    const names = model.filter((name) => name !== "image_encoder.trunk.patch_embed.proj.weight");
    const found = findModelWeights(named(["module.", names]));
    expect(() => resolveModel(found, config)).toThrow(
      /some\.pt.*patch_embed\.proj\.weight \[8, 3, 7, 7\] is missing/,
    );
  });

  it("names as an optimizer has them are no model's", () => {
    const state = model.flatMap((name) => [`${name}.exp_avg`, `${name}.exp_avg_sq`]);
    const found = findModelWeights(named(["state.", state], ["model.", model]));
    expect(found.place).toEqual({ key: "model", tensors: model.length });
    expect(found.places).toHaveLength(1);
  });

  it("a part of a model is not taken for one beside a whole model", () => {
    const decoder = model.filter((name) => name.startsWith("sam_"));
    expect(findModelWeights(named(["head.", decoder], ["model.", model])).place.key).toBe("model");
  });
});

describe("several models in one file", () => {
  const several = named(["", model], ["ema.module.", model], ["checkpoint.best.", model]);

  it("are named with their tensor counts", () => {
    const count = model.length;
    expect(() => findModelWeights(several)).toThrow(
      expect.objectContaining({
        code: "E_BAD_CHECKPOINT",
        message: expect.stringContaining(
          `holds the weights of 3 models: “.” (the top, ${count} tensors), “ema.module” (${count} tensors), ` +
            `“checkpoint.best” (${count} tensors); say which with the option weights (--weights KEY).`,
        ),
      }),
    );
    expect(modelWeightPlaces(several).map(({ key }) => key)).toEqual([".", "ema.module", "checkpoint.best"]);
  });

  it.each([
    [".", "."],
    ["ema.module", "ema.module"],
    ["ema", "ema.module"],
    ["ema.", "ema.module"],
    ["checkpoint", "checkpoint.best"],
  ])("weights %s is %s", (key, place) => {
    const found = findModelWeights(several, key);
    expect(found.place).toEqual({ key: place, tensors: model.length });
    expect(resolveModel(found, config).granularity).toBe(true);
  });

  it.each(["nothing", "module", "em", "\u001b[31m"])("weights %s is refused", (key) => {
    expect(() => findModelWeights(several, key)).toThrow(
      expect.objectContaining({
        code: "E_BAD_OPTION",
        message: expect.stringMatching(
          /which is no place in it; weights of a model lie under “\.”.*“checkpoint\.best”/,
        ),
      }),
    );
  });

  it("have fingerprints of their own, a single one that of its file", () => {
    const prints = [".", "ema", "checkpoint"].map((key) =>
      weightsFingerprint("00", findModelWeights(several, key)),
    );
    expect(new Set(prints).size).toBe(3);
    for (const print of prints) expect(print).toMatch(/^[0-9a-f]{64}$/);
    expect(weightsFingerprint("00", findModelWeights(named(["model.", model])))).toBe("00");
  });

  it("a key that holds no whole model is taken at its word, and what it lacks is named", () => {
    const source = named(["model.", model], ["part.", ["sam_mask_decoder.iou_token.weight"]]);
    expect(() => resolveModel(source, config, "part")).toThrow(/is missing/);
  });

  it("more than any file has are refused without looking at each", () => {
    const marks = ["image_encoder.trunk.pos_embed"];
    const many = Array.from({ length: 20_000 }, (_, i) => [`m${i}.`, marks] as const);
    const started = performance.now();
    expect(() => findModelWeights(named(...many))).toThrow(/weights of 20000 models/);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("what is no model that is known", () => {
  it.each<[string, string[], RegExp]>([
    [
      "anything",
      ["encoder.weight", "b", "c", "d"],
      /none of its 4 tensors \(“encoder\.weight”, “b”, “c” …\)/,
    ],
    [
      "transformers' SAM 2",
      ["vision_encoder.backbone.patch_embed.projection.weight", "mask_decoder.iou_token.weight"],
      /Hugging Face transformers; take the original \.pt/,
    ],
    [
      "the first SAM",
      ["image_encoder.blocks.0.norm1.weight", "mask_decoder.iou_token.weight"],
      /first SAM \(2023\)/,
    ],
    ["control characters", ["\u001b[31m"], /“\?\[31m”/],
  ])("%s", (_, names, message) => {
    expect(() => findModelWeights(named(["", names]))).toThrow(
      expect.objectContaining({ code: "E_BAD_CHECKPOINT", message: expect.stringMatching(message) }),
    );
  });
});

describe("kinds of element", () => {
  const withInfo = (name: string, info: object): NamedTensors => {
    const { tensors, ...source } = named(["", [...model, "sam_mask_decoder.unused"]]);
    return { ...source, tensors: new Map(tensors).set(name, { ...tensors.get(name)!, ...info }) };
  };

  it("unused tensors of any kind are passed over", () => {
    const source = withInfo("sam_mask_decoder.unused", { dtype: "float8_e4m3fn", isReadable: false });
    expect(resolveModel(source, config).granularity).toBe(true);
  });

  it.each([
    [{ dtype: "float8_e4m3fn", isReadable: false }, /is stored as float8_e4m3fn, which is not read here/],
    [
      { dtype: "int8", isReadable: true },
      /is stored as int8; whole numbers are weights of a quantised model/,
    ],
    [{ dtype: "bool", isReadable: true }, /is stored as bool/],
  ])("a used one is refused by name: %j", (info, message) => {
    const name = "sam_mask_decoder.iou_token.weight";
    expect(() => resolveModel(withInfo(name, info), config)).toThrow(
      expect.objectContaining({
        code: "E_BAD_CHECKPOINT",
        message: expect.stringMatching(
          new RegExp(`weights cannot be used: ${name} ${message.source}.*float16`),
        ),
      }),
    );
  });

  it.each(["float64", "float16", "bfloat16"])("%s is taken", (dtype) => {
    const source = withInfo("sam_mask_decoder.iou_token.weight", { dtype, isReadable: true });
    expect(() => resolveModel(source, config)).not.toThrow();
  });
});

describe("from files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "unsam-wrapped-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("a .pt whose weights lie under wrappers and prefixes gives the values of those asked for", async () => {
    const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
    const largest = Math.max(...[...official.values()].map(({ shape }) => size(shape)));
    /** A state dict whose tensors are all views of one storage, filled with a value. */
    const weights = (key: string, prefix: string): PickleBytes =>
      stateDict(
        [...official].map(([name, { shape }]) => {
          const strides = shape.map((_, axis) => size(shape.slice(axis + 1)));
          return [
            prefix + name,
            tensor({ storage: { type: "HalfStorage", key, elements: largest }, shape, strides }),
          ];
        }),
      );
    const root = dict([
      ["checkpoint", dict([["model_state_dict", weights("0", "module._orig_mod.")]])],
      ["ema", weights("1", "module.")],
      ["epoch", int(3)],
    ]);
    const storages = {
      0: new Uint16Array(largest).fill(0x3c00), // 1 in half precision
      1: new Uint16Array(largest).fill(0x4000), // 2
    };
    const file = path.join(folder, "wrapped.pt");
    await writeFile(file, tinyCheckpoint({ root, storages }));
    await using checkpoint = await openCheckpoint(file);
    expect(() => findModelWeights(checkpoint)).toThrow(/checkpoint\.model_state_dict.*ema/);
    for (const [key, value] of [
      ["checkpoint", 1],
      ["ema", 2],
    ] as const) {
      const found = findModelWeights(checkpoint, key);
      resolveModel(found, config);
      for (const name of ["sam_mask_decoder.iou_token.weight", "image_encoder.trunk.pos_embed"]) {
        const { data, shape } = await found.read(name);
        expect(shape).toEqual(official.get(name)!.shape);
        expect(new Set(data)).toEqual(new Set([value]));
      }
    }
  });
});
