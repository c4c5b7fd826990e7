import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadNative } from "@unsam/native-cuda";
import { afterAll, describe, expect, it } from "vitest";
import { type NetworkPrompt, nativeMisfit, openNativeDecoder } from "#core/decoder/index.js";
import { onnxDecoder } from "#core/engine/onnx-decoder.js";
import type { NetworkModel } from "#core/models/index.js";
import { inferenceThread } from "#core/runtime/index.js";
import { largestDifference, relativeError } from "../support/compare.js";
import { describeParity, describeParityWithout, type ParitySet } from "../support/parity.js";
import { maskDecoderSuite, type OpenedDecoder } from "./mask-decoder-suite.js";

const cacheDir = await mkdtemp(path.join(tmpdir(), "unsam-test-"));
afterAll(() => rm(cacheDir, { recursive: true }));

const inference = inferenceThread().bind<typeof import("#core/engine/network.worker.js")>(
  new URL(import.meta.resolve("#core/engine/network.worker.js")),
  "bulk",
);

const MODULE = import.meta.resolve("#core/models/network-families.js");

async function openOnnx(set: ParitySet): Promise<OpenedDecoder> {
  const kinds = { encoder: "onnx", decoder: "onnx", addon: null } as const;
  const options = { ...kinds, device: "cpu", precision: "float32" } as const;
  const { handle } = await inference("recognise", [set.checkpointFile, undefined, [MODULE]]);
  const { network, imageSize, width } = await inference("open", [
    handle,
    { ...options, checkpoint: set.checkpointFile, config: set.config, threads: 2, cacheDir },
  ]);
  await handle.release();
  const decoder = onnxDecoder(network, { width, side: imageSize / 16 });
  const close = async () => {
    await decoder.dispose();
    await network.release();
  };
  return { decoder, close };
}

maskDecoderSuite("mask decoder on ONNX Runtime", openOnnx);

const native = await loadNative({ cacheDir: null });

if (native.binding === null) {
  if (process.env.UNSAM_REQUIRE_NATIVE) throw new Error(native.reason);
  describe.skip(`native mask decoder (skipped: ${native.reason})`, () => {});
} else {
  const { binding } = native;
  const openNative = async (set: ParitySet): Promise<OpenedDecoder & { imageSize: number }> => {
    const { checkpoint, model } = await set.open();
    const weights = await model.decoderWeights();
    await checkpoint.close();
    expect(nativeMisfit(model, weights)).toBeNull();
    const decoder = await openNativeDecoder(binding, weights, model.features, { threads: 2 });
    return { decoder, close: () => decoder.dispose(), imageSize: model.config.imageSize };
  };
  maskDecoderSuite("native mask decoder", openNative);

  // The weights of the repository's set; without the others of UnSAMv2, which are the same.
  const sameWeights = ["UnSAMv2, .pt", "UnSAMv2, .safetensors"];
  describeParityWithout(sameWeights, "prompts of many points on the native decoder", (openSet) => {
    it("get ONNX Runtime's answers, whatever they are made of and whoever stands beside them", async () => {
      const set = openSet();
      const native = await openNative(set);
      const onnx = await openOnnx(set);
      const side = native.imageSize;
      const granularity = set.cases.some((one) => one.granularity !== null) ? 0.4 : null;
      const logits = Float32Array.from({ length: (side / 4) ** 2 }, (_, i) => 8 * Math.sin(i / 37));
      const prompts = [
        manyPoints(300, side, granularity),
        manyPoints(1, side, granularity),
        manyPoints(600, side, null),
        { ...manyPoints(300, side, granularity), maskLogits: logits },
        ...[4, 6, 8, 10, 12, 60].map((points) => manyPoints(points, side, granularity)),
        ...Array.from({ length: 20 }, (_, i) => manyPoints(1 + (i % 3), side, granularity)),
        withBox(manyPoints(300, side, granularity), side),
      ];
      const [images, options] = [[native, onnx], { multimask: false }];
      const [got, expected] = await Promise.all(
        images.map(async ({ decoder }) =>
          decoder.decode(await decoder.prepare(set.features()), prompts, options),
        ),
      );
      for (const [index, { lowRes, predictedIou, tokens }] of got.entries()) {
        expect(tokens).toEqual(expected[index].tokens);
        expect(relativeError(lowRes, expected[index].lowRes), `prompt ${index}`).toBeLessThan(1e-4);
        expect(maskIou(lowRes, expected[index].lowRes), `prompt ${index}`).toBeGreaterThan(0.999);
        expect(largestDifference(predictedIou, expected[index].predictedIou)).toBeLessThan(1e-4);
      }
      await Promise.all([native.close(), onnx.close()]);
    });

    // Here with real weights; native/tests/decoder_test.cpp has the cases.
    it("give the same bits for any number of threads", async () => {
      const set = openSet();
      const { checkpoint, model } = await set.open();
      const weights = await model.decoderWeights();
      await checkpoint.close();
      const prompts = [70, 2, 400].map((points) => manyPoints(points, model.config.imageSize, null));
      const answers = [];
      for (const threads of [1, 3]) {
        const decoder = await openNativeDecoder(binding, weights, model.features, { threads });
        answers.push(
          await decoder.decode(await decoder.prepare(set.features()), prompts, { multimask: true }),
        );
        await decoder.dispose();
      }
      expect(answers[1]).toEqual(answers[0]);
    });
  });
}

/** Clicks all over the frame, every third on the background, and the padding point. */
function manyPoints(count: number, side: number, granularity: number | null): NetworkPrompt {
  const coords = new Float32Array(2 * count + 2);
  const labels = new Int32Array(count + 1).fill(-1);
  for (let i = 0; i < count; i++) {
    coords[2 * i] = (i * 61.8) % side;
    coords[2 * i + 1] = (i * 37.1 + 5) % side;
    labels[i] = i % 3 === 2 ? 0 : 1;
  }
  return { coords, labels, granularity, maskLogits: null };
}

/** The same prompt with the corners of a box before its points. */
function withBox(prompt: NetworkPrompt, side: number): NetworkPrompt {
  const corners = [0.2 * side, 0.1 * side, 0.8 * side, 0.7 * side];
  return {
    ...prompt,
    coords: Float32Array.of(...corners, ...prompt.coords),
    labels: Int32Array.of(2, 3, ...prompt.labels),
  };
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
