import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Checkpoint } from "#core/checkpoint/index.js";
import type { DecodedMasks, NetworkPrompt } from "#core/decoder/index.js";
import {
  OnnxDecoderKernel,
  type OpenSession,
  type PreparedFeatures,
} from "#core/decoder/onnx-decoder-kernel.js";
import type { NetworkModel } from "#core/models/index.js";
import { parseModelConfig } from "#core/models/index.js";
import type { Session } from "#core/runtime/ort-session.js";
import { largestDifference, relativeError } from "../support/compare.js";
import { describeParity, type ParitySet } from "../support/parity.js";
import { randomValues } from "../support/random.js";
import { openSession } from "../support/run-graph.js";
import { modelOf, syntheticCheckpoint } from "../support/synthetic-model.js";

/** From the stored features; the product's promise is 1e-4 end to end. */
const LOGITS = 2e-5;
const IOU = 2e-5;
const OBJECT_SCORE = 2e-4;

describeParity("mask decoder against the official code", (open) => {
  let set: ParitySet;
  let model: NetworkModel;
  let checkpoint: Checkpoint;
  let kernel: OnnxDecoderKernel;
  let image: PreparedFeatures;

  beforeAll(async () => {
    set = open();
    ({ model, checkpoint } = await set.open());
    kernel = await OnnxDecoderKernel.open(model, openSession);
    image = await kernel.prepare(set.features());
  });
  afterAll(async () => {
    await kernel?.release();
    await checkpoint?.close();
  });

  it("gives the logits, scores and tokens of every case", async () => {
    for (const one of set.cases) {
      const prompts = set.networkPrompts(one, model.config.imageSize);
      const answers = await kernel.decode(image, prompts, { multimask: one.multimask_output });
      const expected = set.array(one.expected.low_res_logits);
      const iou = set.array(one.expected.predicted_iou).data;
      const score = set.array(one.expected.object_score_logits).data;
      expect(relativeError(together(answers, "lowRes"), expected.data), one.id).toBeLessThan(LOGITS);
      expect(largestDifference(together(answers, "predictedIou"), iou), one.id).toBeLessThan(IOU);
      const scores = answers.map((answer) => answer.objectScore);
      expect(largestDifference(scores, score), one.id).toBeLessThan(OBJECT_SCORE);
      const tokens = one.expected.mask_tokens ?? answers.map(() => [4]);
      expect(
        answers.map((answer) => [...answer.tokens]),
        one.id,
      ).toEqual(tokens);
    }
  });

  // Both decoders are asked this (mask-decoder-suite.ts); here it is the kernel alone, without the groups of its thread.
  it("answers a batch of unequal prompts as it answers each alone", async () => {
    const mixed: NetworkPrompt[] = [];
    for (const one of set.cases.filter((one) => one.multimask_output === set.cases[0].multimask_output)) {
      mixed.push(...set.networkPrompts(one, model.config.imageSize));
    }
    expect(new Set(mixed.map((prompt) => prompt.labels.length)).size).toBeGreaterThan(2);
    const options = { multimask: set.cases[0].multimask_output };
    const batch = await kernel.decode(image, mixed, options);
    for (const [index, prompt] of mixed.entries()) {
      const [alone] = await kernel.decode(image, [prompt], options);
      expect(relativeError(batch[index].lowRes, alone.lowRes), `prompt ${index}`).toBeLessThan(5e-6);
      expect(largestDifference(batch[index].predictedIou, alone.predictedIou)).toBeLessThan(2e-6);
      expect(batch[index].tokens).toEqual(alone.tokens);
    }
  });
});

describe("mask decoder on ONNX Runtime", () => {
  const config = parseModelConfig({
    image_size: 256,
    image_encoder: {
      trunk: {
        embed_dim: 8,
        stages: [1, 1, 1, 1],
        global_att_blocks: [],
        window_pos_embed_bkg_spatial_size: [7, 7],
      },
    },
  });
  const click: NetworkPrompt = {
    coords: Float32Array.of(40, 60, 0, 0),
    labels: Int32Array.of(1, -1),
    granularity: null,
    maskLogits: null,
  };
  const features = {
    image_embed: { data: randomValues(256 * 16 * 16, 7), shape: [256, 16, 16] },
    high_res_0: { data: randomValues(32 * 64 * 64, 8), shape: [32, 64, 64] },
    high_res_1: { data: randomValues(64 * 32 * 32, 9), shape: [64, 32, 32] },
  };

  it("splits a batch that would not fit its memory, and answers in order", async () => {
    const kernel = await OnnxDecoderKernel.open(modelOf(syntheticCheckpoint(config), config), openSession);
    const image = await kernel.prepare(features);
    // 12 × 256 channels × 256 cells × 4 bytes, and the attention scores: 77 prompts fill 256 MiB.
    const prompts = Array.from({ length: 180 }, (_, i) => ({
      ...click,
      coords: Float32Array.of(i, 2 * (i % 100), 0, 0),
    }));
    const answers = await kernel.decode(image, prompts, { multimask: false });
    for (const index of [0, 90, 179]) {
      const [alone] = await kernel.decode(image, [prompts[index]], { multimask: false });
      expect(relativeError(answers[index].lowRes, alone.lowRes)).toBeLessThan(5e-6);
    }
    await kernel.release();
  });

  it("does not fill up short prompts to the length of long ones", async () => {
    const sizes: string[] = [];
    const open: OpenSession = async (bytes) => {
      const session = await openSession(bytes);
      const run: Session["run"] = (feeds) => {
        if (feeds.point_labels) sizes.push(feeds.point_labels.dims.join(" × "));
        return session.run(feeds as Parameters<typeof session.run>[0]);
      };
      return { run, release: () => session.release() } as Session;
    };
    const kernel = await OnnxDecoderKernel.open(modelOf(syntheticCheckpoint(config), config), open);
    const image = await kernel.prepare(features);
    const many = { ...click, coords: new Float32Array(1200).fill(30), labels: new Int32Array(600).fill(1) };
    const prompts = [click, many, ...Array.from({ length: 62 }, () => click), many];
    const answers = await kernel.decode(image, prompts, { multimask: false });
    expect(sizes).toEqual(["2 × 600", "63 × 2"]);
    expect(answers[1]).toEqual(answers[64]);
    expect(answers[0]).toEqual(answers[2]);
    expect(relativeError(answers[0].lowRes, answers[1].lowRes)).toBeGreaterThan(1e-3);
    await kernel.release();
  });

  it("stops between groups when it is told to", async () => {
    const kernel = await OnnxDecoderKernel.open(modelOf(syntheticCheckpoint(config), config), openSession);
    const image = await kernel.prepare(features);
    const options = { multimask: false, signal: AbortSignal.abort(new Error("enough")) };
    await expect(kernel.decode(image, [click], options)).rejects.toThrow("enough");
    await kernel.release();
  });

  it("answers 10 as object score where the model predicts none", async () => {
    const without = { ...config, objectScore: "none" as const };
    const kernel = await OnnxDecoderKernel.open(modelOf(syntheticCheckpoint(without), without), openSession);
    const [answer] = await kernel.decode(await kernel.prepare(features), [click], { multimask: true });
    expect(answer.objectScore).toBe(10);
    expect(answer.predictedIou).toHaveLength(3);
    await kernel.release();
  });

  it("refuses features of another size, a mask of another size, and a granularity it does not know", async () => {
    const kernel = await OnnxDecoderKernel.open(modelOf(syntheticCheckpoint(config), config), openSession);
    const small = { ...features, image_embed: { data: new Float32Array(256 * 64), shape: [256, 8, 8] } };
    await expect(kernel.prepare(small)).rejects.toMatchObject({ code: "E_BAD_FILE" });
    const image = await kernel.prepare(features);
    const masked = { ...click, maskLogits: new Float32Array(9) };
    await expect(kernel.decode(image, [masked], { multimask: false })).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
    });
    const granular = { ...click, granularity: 0.5 };
    await expect(kernel.decode(image, [granular], { multimask: false })).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
    });
    await kernel.release();
  });
});

function together(answers: readonly DecodedMasks[], field: "lowRes" | "predictedIou"): Float32Array {
  return Float32Array.from(answers.flatMap((answer) => [...answer[field]]));
}
