import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadNative } from "@unsam/native-cuda";
import { afterAll, describe, expect, it } from "vitest";
import { nativeMisfit, openNativeDecoder } from "#core/decoder/index.js";
import { onnxDecoder } from "#core/engine/onnx-decoder.js";
import { decoderWeights, type Model } from "#core/models/index.js";
import { inferenceThread } from "#core/runtime/index.js";
import { maskDecoderSuite } from "./mask-decoder-suite.js";

const cacheDir = await mkdtemp(path.join(tmpdir(), "unsam-test-"));
afterAll(() => rm(cacheDir, { recursive: true }));

const network = inferenceThread().bind<typeof import("#core/engine/network.worker.js")>(
  new URL(import.meta.resolve("#core/engine/network.worker.js")),
);

maskDecoderSuite("mask decoder on ONNX Runtime", async (set) => {
  const options = { device: "cpu", decoder: "onnx", native: false, threads: 2, cacheDir } as const;
  const { handle } = await network("open", [
    { ...options, checkpoint: set.checkpointFile, config: set.config },
  ]);
  return { decoder: onnxDecoder(handle), close: () => network("close", [handle]) };
});

const native = await loadNative({ cacheDir: null });

if (native.binding === null) {
  if (process.env.UNSAM_REQUIRE_NATIVE) throw new Error(native.reason);
  describe.skip(`native mask decoder (skipped: ${native.reason})`, () => {});
} else {
  const { binding } = native;
  maskDecoderSuite("native mask decoder", async (set) => {
    const { checkpoint, model } = await set.open();
    const weights = await decoderWeights(checkpoint);
    await checkpoint.close();
    expect(nativeMisfit(model, weights)).toBeNull();
    const decoder = await openNativeDecoder(binding, weights, { threads: 2 });
    return { decoder, close: () => decoder.dispose() };
  });
}

describe("models the native decoder cannot run", () => {
  const official = {
    granularity: false,
    config: {
      neck: { width: 256 },
      objectScore: "mlp",
      iouSigmoid: true,
      temperature: 100,
      stability: { enabled: true, delta: 0.05, threshold: 0.98 },
    },
  };
  const misfit = (change: object, granularity = false) =>
    nativeMisfit(
      { ...official, granularity, config: { ...official.config, ...change } } as unknown as Model,
      new Map([
        [
          "sam_prompt_encoder.fourier_embedder.mlp.mlp.0.weight",
          { data: new Float32Array(192 * 128), shape: [192, 128] },
        ],
      ]),
    );

  it("are told by their configuration", () => {
    expect(misfit({})).toBeNull();
    expect(misfit({ neck: { width: 128 } })).toContain("128");
    expect(misfit({ objectScore: "none" })).toContain("object score");
    expect(misfit({ iouSigmoid: false })).toContain("sigmoid");
    expect(misfit({ stability: { enabled: false, delta: 0.05, threshold: 0.98 } })).toContain("unstable");
    expect(misfit({ temperature: 50 })).toBeNull();
    expect(misfit({ temperature: 50 }, true)).toContain("50");
  });
});
