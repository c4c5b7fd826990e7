import { inRepository } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { BUILT_IN_MODELS, builtInFamily, MODEL_FAMILIES, openModel } from "#core/families/index.js";
import { decoderAndDevice } from "#core/families/network/network-family.js";

it.each([
  ["auto", "auto", null],
  ["onnx", "onnx", null],
  ["native", "native", null],
  ["cuda", "native", 0],
  ["cuda:1", "native", 1],
] as const)("decoder %s of a network", (given, decoder, cudaDevice) => {
  expect(decoderAndDevice(given)).toEqual({ decoder, cudaDevice });
});

describe("the families of the package", () => {
  it("are the built-in models, then networks, the most particular first", () => {
    expect(MODEL_FAMILIES.map(({ name }) => name)).toEqual([
      ...BUILT_IN_MODELS,
      "efficienttam",
      "unsamv2",
      "sam2",
    ]);
    for (const { name, capabilities } of MODEL_FAMILIES) {
      expect(builtInFamily(name) !== null, name).toBe(capabilities.weights !== "checkpoint");
    }
  });

  const fixture = inRepository("packages", "core", "fixtures", "unsamv2-mini");
  const checkpoint = { checkpoint: `${fixture}/checkpoint.safetensors`, config: `${fixture}/config.json` };

  it.each([
    ["region-tree", "region-tree"],
    ["nano", "nano"],
    [checkpoint, "unsamv2"],
  ] as const)(
    "%j is opened by the one that recognises it, and can do what that says",
    async (model, name) => {
      const engine = await openModel(model, { threads: 1 });
      const family = MODEL_FAMILIES.find((one) => one.name === name)!;
      expect(engine.info).toMatchObject({ family: name, capabilities: family.capabilities });
      await engine.dispose();
    },
  );

  it("hear of an abort", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    for (const model of ["region-tree", "nano", checkpoint] as const) {
      await expect(openModel(model, { signal })).rejects.toThrow("enough");
    }
  });
});
