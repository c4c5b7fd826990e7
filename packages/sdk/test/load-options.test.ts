import { expect, it } from "vitest";
import { type LoadOptions, parseLoadOptions } from "#sdk/load-options.js";

async function network(decoder: LoadOptions["decoder"]) {
  const parsed = await parseLoadOptions({ model: { checkpoint: "model.pt" }, decoder });
  return parsed.kind === "network" ? parsed.network : null;
}

it.each([
  [undefined, "auto", null],
  ["onnx", "onnx", null],
  ["native", "native", null],
  ["cuda", "native", 0],
  ["cuda:1", "native", 1],
] as const)("decoder %s", async (given, decoder, cudaDevice) => {
  expect(await network(given)).toMatchObject({ decoder, cudaDevice });
});

it.each(["cuda:", "cuda:-1", "cuda:1.5", "cuda:x", "CUDA", "gpu"])(
  "decoder %s does not exist",
  async (given) => {
    await expect(network(given as LoadOptions["decoder"])).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  },
);
