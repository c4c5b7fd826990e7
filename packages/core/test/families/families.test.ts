import { readdir, readlink } from "node:fs/promises";
import { inRepository } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { builtInFamily, MODEL_FAMILIES, openModel } from "#core/families/index.js";
import { decoderAndDevice } from "#core/families/network/network-family.js";
import { BUILT_IN_MODELS } from "#core/names.js";

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

  /** How often this process has the file open. */
  async function timesOpen(file: string): Promise<number> {
    const links = (await readdir("/proc/self/fd")).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => ""),
    );
    return (await Promise.all(links)).filter((link) => link === file).length;
  }

  it.runIf(process.platform === "linux")("let go of the file, whether it is opened or not", async () => {
    const stop = new AbortController();
    const loads = [
      openModel(checkpoint, { threads: 1 }),
      openModel(checkpoint, { device: "cuda", encoder: "native" }),
      openModel({ ...checkpoint, config: { image_size: -1 } }),
      openModel(checkpoint, { signal: stop.signal }),
    ];
    const ended = Promise.allSettled(loads);
    await loads[2].catch(() => {});
    stop.abort();
    const codes = (await ended).map((one) =>
      one.status === "fulfilled" ? one.value.info.family : (one.reason.code ?? one.reason.name),
    );
    expect(codes.slice(0, 3)).toEqual(["unsamv2", "E_BAD_OPTION", "E_BAD_CONFIG"]);
    await expect.poll(() => timesOpen(checkpoint.checkpoint), { timeout: 10_000 }).toBe(0);
    for (const load of loads)
      await load.then(
        (engine) => engine.dispose(),
        () => {},
      );
  });
});
