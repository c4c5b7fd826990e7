import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadNative } from "@unsam/native-cuda";
import { afterAll, describe, expect, it } from "vitest";
import { nativeMisfit, openNativeDecoder } from "#core/decoder/index.js";
import { onnxDecoder } from "#core/engine/onnx-decoder.js";
import type { NetworkModel } from "#core/models/index.js";
import { inferenceThread } from "#core/runtime/index.js";
import { relativeError } from "../support/compare.js";
import { describeParity } from "../support/parity.js";
import { maskDecoderSuite } from "./mask-decoder-suite.js";

const cacheDir = await mkdtemp(path.join(tmpdir(), "unsam-test-"));
afterAll(() => rm(cacheDir, { recursive: true }));

const inference = inferenceThread().bind<typeof import("#core/engine/network.worker.js")>(
  new URL(import.meta.resolve("#core/engine/network.worker.js")),
  "bulk",
);

maskDecoderSuite("mask decoder on ONNX Runtime", async (set) => {
  const kinds = { encoder: "onnx", decoder: "onnx", addon: null } as const;
  const options = { ...kinds, device: "cpu", precision: "float32" } as const;
  const { network, imageSize, width } = await inference("open", [
    { ...options, checkpoint: set.checkpointFile, config: set.config, threads: 2, cacheDir },
  ]);
  const decoder = onnxDecoder(network, { width, side: imageSize / 16 });
  const close = async () => {
    await decoder.dispose();
    await network.release();
  };
  return { decoder, close };
});

const native = await loadNative({ cacheDir: null });

if (native.binding === null) {
  if (process.env.UNSAM_REQUIRE_NATIVE) throw new Error(native.reason);
  describe.skip(`native mask decoder (skipped: ${native.reason})`, () => {});
} else {
  const { binding } = native;
  maskDecoderSuite("native mask decoder", async (set) => {
    const { checkpoint, model } = await set.open();
    const weights = await model.decoderWeights();
    await checkpoint.close();
    expect(nativeMisfit(model, weights)).toBeNull();
    const decoder = await openNativeDecoder(binding, weights, model.features, { threads: 2 });
    return { decoder, close: () => decoder.dispose() };
  });
}

describeParity("native mask decoder with bfloat16 products", (openSet) => {
  it("stays within 1e-2 of the official logits, and finds the same masks", async ({ skip }) => {
    if (!/bf16|amx/.test(native.binding?.instructionSet() ?? ""))
      skip("no addon, or a CPU without AVX512_BF16");
    const set = openSet();
    const { checkpoint, model } = await set.open();
    const weights = await model.decoderWeights();
    await checkpoint.close();
    const decoder = await openNativeDecoder(native.binding!, weights, model.features, {
      precision: "bfloat16",
    });
    const image = await decoder.prepare(set.features());
    for (const one of set.cases) {
      const prompts = set.networkPrompts(one, model.config.imageSize);
      const answers = await decoder.decode(image, prompts, { multimask: one.multimask_output });
      const expected = set.array(one.expected.low_res_logits).data;
      const size = expected.length / answers.length;
      answers.forEach(({ lowRes, tokens }, i) => {
        // Near the stability threshold another of plain SAM 2's masks may be the one returned.
        if (one.expected.mask_tokens && tokens.join() !== one.expected.mask_tokens[i].join()) return;
        const wanted = expected.subarray(i * size, (i + 1) * size);
        expect(relativeError(lowRes, wanted), one.id).toBeLessThan(1e-2);
        expect(maskIou(lowRes, wanted), one.id).toBeGreaterThan(0.99);
      });
    }
    await decoder.dispose();
  });
});

function maskIou(a: Float32Array, b: Float32Array): number {
  const both = a.reduce((sum, value, i) => sum + (value > 0 && b[i] > 0 ? 1 : 0), 0);
  const either = a.reduce((sum, value, i) => sum + (value > 0 || b[i] > 0 ? 1 : 0), 0);
  return either === 0 ? 1 : both / either;
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
      { ...official, granularity, config: { ...official.config, ...change } } as unknown as NetworkModel,
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
