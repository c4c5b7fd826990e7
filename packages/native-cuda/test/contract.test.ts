import { expect, it } from "vitest";
import {
  CONTRACT,
  type NativeBinding,
  type NativeDecoder,
  type NativeMasks,
  type NativePreparedImage,
} from "#native/binding.js";
import type { NativeImageEncoder } from "#native/encoder-binding.js";
import type { NativeMemoryNetwork } from "#native/memory-binding.js";
import type { NativeNanoCues, NativeNanoEncoder } from "#native/nano-binding.js";
import { syntheticNanoWeights } from "#native/synthetic-nano.js";
import { addon, click, createImage, describeWithAddon, SINGLE } from "./addon.js";

// `Record<keyof …>` makes the compiler hold these lists against binding.ts; the tests hold them against the addon.
const EXPORTS: Record<keyof NativeBinding, string> = {
  contract: "number",
  instructionSet: "function",
  cuda: "function",
  returnFreeMemory: "function",
  createDecoder: "function",
  createImageEncoder: "function",
  createNanoEncoder: "function",
  createMemoryNetwork: "function",
  Decoder: "function",
  PreparedImage: "function",
  ImageEncoder: "function",
  NanoEncoder: "function",
  MemoryNetwork: "function",
  operations: "object",
  regionTreeRecipe: "number",
  learnedRecipe: "number",
};
const DECODER: Record<keyof NativeDecoder, string> = {
  prepare: "function",
  decode: "function",
  dispose: "function",
};
const ENCODER: Record<keyof NativeImageEncoder, string> = {
  matrices: "function",
  load: "function",
  encode: "function",
  dispose: "function",
};
const NANO: Record<keyof NativeNanoEncoder, string> = { encode: "function", dispose: "function" };
const MEMORY: Record<keyof NativeMemoryNetwork, string> = {
  attend: "function",
  remember: "function",
  dispose: "function",
};
const CUES: Record<keyof NativeNanoCues, string> = {
  columns: "Number",
  rows: "Number",
  dimensions: "Number",
  border: "Float32Array",
  height: "Float32Array",
  metric: "Float32Array",
};
const IMAGE: Record<keyof NativePreparedImage, string> = { dispose: "function" };
const MASKS: Record<keyof NativeMasks, string> = {
  lowRes: "Float32Array",
  predictedIou: "Float32Array",
  objectScore: "Number",
  tokens: "Int32Array",
  maskTokens: "Float32Array",
};

function kinds(object: object, skip: readonly string[] = []): Record<string, string> {
  const names = Object.getOwnPropertyNames(object).filter((name) => !skip.includes(name));
  return Object.fromEntries(names.map((name) => [name, typeof object[name as keyof object]]));
}

function classes(result: object): Record<string, string> {
  return Object.fromEntries(Object.entries(result).map(([key, value]) => [key, value.constructor.name]));
}

describeWithAddon("the addon's exports are those of binding.ts", () => {
  it("functions, classes and the contract's number", () => {
    expect(kinds(addon())).toEqual(EXPORTS);
    expect(addon().contract).toBe(CONTRACT);
    expect(["portable", "avx2", "avx512", "avx512bf16", "amx"]).toContain(addon().instructionSet());
  });

  it("methods", () => {
    const { Decoder, ImageEncoder, MemoryNetwork, NanoEncoder, PreparedImage } = addon();
    expect(kinds(Decoder.prototype, ["constructor"])).toEqual(DECODER);
    expect(kinds(ImageEncoder.prototype, ["constructor"])).toEqual(ENCODER);
    expect(kinds(NanoEncoder.prototype, ["constructor"])).toEqual(NANO);
    expect(kinds(MemoryNetwork.prototype, ["constructor"])).toEqual(MEMORY);
    expect(kinds(PreparedImage.prototype, ["constructor"])).toEqual(IMAGE);
  });

  it("results", async () => {
    const { decoder, image } = await createImage();
    const [masks] = await decoder.decode(image, [click()], { ...SINGLE, everyMask: true });
    expect(classes(masks)).toEqual(MASKS);
    expect([masks.lowRes.length, masks.predictedIou.length, [...masks.tokens]]).toEqual([256, 4, [4]]);
    expect(masks.maskTokens).toHaveLength(256);
    const [chosen] = await decoder.decode(image, [click()], SINGLE);
    expect([chosen.predictedIou.length, chosen.maskTokens]).toEqual([1, null]);
    expect(chosen.lowRes).toEqual(masks.lowRes);
    const nano = await addon().createNanoEncoder(syntheticNanoWeights());
    const input = { width: 64, height: 32, data: new Float32Array(4 * 64 * 32) };
    const cues = (await nano.encode(input, { threads: 1 }))!;
    expect(classes(cues)).toEqual(CUES);
    expect([cues.columns, cues.rows, cues.dimensions]).toEqual([32, 16, 3]);
    expect([cues.border.length, cues.height.length, cues.metric.length]).toEqual([512, 512, 3 * 512]);
  });
});
