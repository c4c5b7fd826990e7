import { expect, it } from "vitest";
import { type LoadOptions, parseLoadOptions } from "#sdk/load-options.js";

const withDecoder = (decoder: unknown) =>
  parseLoadOptions({ model: { checkpoint: "model.pt" }, decoder } as LoadOptions);

it.each([undefined, "auto", "onnx", "native", "cuda", "cuda:1"])("decoder %s is passed on", (decoder) => {
  expect(withDecoder(decoder).options.decoder).toBe(decoder);
});

it.each(["cuda:", "cuda:-1", "cuda:1.5", "cuda:x", "CUDA", "gpu"])("decoder %s does not exist", (decoder) => {
  expect(() => withDecoder(decoder)).toThrow(expect.objectContaining({ code: "E_BAD_OPTION" }));
});

const recognise = (): boolean => true;
const open = (): void => {};

it.each([
  [[{}]],
  [[{ name: "mine", recognise, open }]],
  [[{ name: "", capabilities: { options: [] }, recognise, open }]],
  ["mine"],
  [[null]],
])("families %j are none", (families) => {
  expect(() => parseLoadOptions({ families } as never)).toThrow(
    expect.objectContaining({ code: "E_BAD_OPTION", message: expect.stringContaining("families") }),
  );
});
