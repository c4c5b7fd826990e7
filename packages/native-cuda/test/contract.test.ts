import { expect, it } from "vitest";
import {
  CONTRACT,
  type NativeBinding,
  type NativeDecoder,
  type NativeMasks,
  type NativePreparedImage,
} from "#native/binding.js";
import type { NativeImageEncoder } from "#native/encoder-binding.js";
import { addon, click, createImage, describeWithAddon, SINGLE } from "./addon.js";

// `Record<keyof …>` makes the compiler hold these lists against binding.ts; the tests hold them against the addon.
const EXPORTS: Record<keyof NativeBinding, string> = {
  contract: "number",
  instructionSet: "function",
  cuda: "function",
  createDecoder: "function",
  createImageEncoder: "function",
  Decoder: "function",
  PreparedImage: "function",
  ImageEncoder: "function",
  operations: "object",
  regionTreeRecipe: "number",
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
const IMAGE: Record<keyof NativePreparedImage, string> = { dispose: "function" };
const MASKS: Record<keyof NativeMasks, string> = {
  lowRes: "Float32Array",
  predictedIou: "Float32Array",
  objectScore: "Number",
  tokens: "Int32Array",
};

function kinds(object: object, skip: readonly string[] = []): Record<string, string> {
  const names = Object.getOwnPropertyNames(object).filter((name) => !skip.includes(name));
  return Object.fromEntries(names.map((name) => [name, typeof object[name as keyof object]]));
}

describeWithAddon("the addon's exports are those of binding.ts", () => {
  it("functions, classes and the contract's number", () => {
    expect(kinds(addon())).toEqual(EXPORTS);
    expect(addon().contract).toBe(CONTRACT);
    expect(["portable", "avx2", "avx512", "avx512bf16", "amx"]).toContain(addon().instructionSet());
  });

  it("methods", () => {
    const { Decoder, ImageEncoder, PreparedImage } = addon();
    expect(kinds(Decoder.prototype, ["constructor"])).toEqual(DECODER);
    expect(kinds(ImageEncoder.prototype, ["constructor"])).toEqual(ENCODER);
    expect(kinds(PreparedImage.prototype, ["constructor"])).toEqual(IMAGE);
  });

  it("results", async () => {
    const { decoder, image } = await createImage();
    const [masks] = await decoder.decode(image, [click()], SINGLE);
    const found = Object.fromEntries(
      Object.entries(masks).map(([key, value]) => [key, value.constructor.name]),
    );
    expect(found).toEqual(MASKS);
    expect([masks.lowRes.length, masks.predictedIou.length, [...masks.tokens]]).toEqual([256, 1, [4]]);
  });
});
