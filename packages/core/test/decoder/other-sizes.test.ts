import { describe, expect, it } from "vitest";
import { assemblePrompt, type ImageFeatures } from "#core/decoder/index.js";
import { OnnxDecoderKernel } from "#core/decoder/onnx-decoder-kernel.js";
import { parseModelConfig } from "#core/models/index.js";
import { largestDifference, relativeError } from "../support/compare.js";
import { randomValues } from "../support/random.js";
import { openSession } from "../support/run-graph.js";
import { modelOf, syntheticCheckpoint } from "../support/synthetic-model.js";
import { referenceDecoder } from "./reference-decoder.js";

// The embedding's side is 10 and 6 here, no power of two; the parity sets have 16.
describe.each([
  { size: 160, width: 256, granularity: false },
  { size: 96, width: 128, granularity: true },
])(
  "mask decoder against a plain float64 program: $size pixels, $width channels",
  ({ size, width, granularity }) => {
    const config = parseModelConfig({
      image_size: size,
      image_encoder: {
        trunk: { embed_dim: 8, stages: [1, 1, 1, 1], global_att_blocks: [], window_spec: [8, 4, 14, 7] },
        neck: { d_model: width, fpn_top_down_levels: [2, 3] },
      },
    });
    const side = size / 16;
    const features: ImageFeatures = {
      image_embed: { data: randomValues(width * side ** 2, 1), shape: [width, side, side] },
      high_res_0: {
        data: randomValues((width / 8) * (4 * side) ** 2, 2),
        shape: [width / 8, 4 * side, 4 * side],
      },
      high_res_1: {
        data: randomValues((width / 4) * (2 * side) ** 2, 3),
        shape: [width / 4, 2 * side, 2 * side],
      },
    };
    const image = { width: 333, height: 200 };
    const level = granularity ? 0.37 : null;
    const mask = randomValues((4 * side) ** 2, 4).map((value) => 10 * value);
    const nothing = { points: [], box: null, maskLogits: null, granularity: level };

    it.each([
      [
        "two clicks",
        {
          ...nothing,
          points: [
            { x: 12.5, y: 180, label: 1 as const },
            { x: 300, y: 3, label: 0 as const },
          ],
        },
      ],
      ["a box", { ...nothing, box: [10, 20, 300, 190] as const }],
      ["a mask alone", { ...nothing, maskLogits: mask }],
      [
        "a mask and a click, no granularity",
        { ...nothing, granularity: null, maskLogits: mask, points: [{ x: 1, y: 1, label: 1 as const }] },
      ],
    ])("%s", async (_, asked) => {
      const source = syntheticCheckpoint(config, granularity);
      const prompt = assemblePrompt(asked, image, size);
      const expected = await referenceDecoder(features, prompt, config, source);
      const kernel = await OnnxDecoderKernel.open(modelOf(source, config, granularity), openSession);
      const [answer] = await kernel.decode(await kernel.prepare(features), [prompt], { multimask: true });
      await kernel.release();
      const masks = granularity ? expected.masks : expected.masks.slice(1);
      const logits = masks.flatMap((one) => [...one]);
      expect(relativeError(answer.lowRes, logits)).toBeLessThan(2e-5);
      const iou = granularity ? [Math.max(...expected.iou.subarray(1))] : [...expected.iou.subarray(1)];
      expect(largestDifference(answer.predictedIou, iou)).toBeLessThan(2e-5);
      expect(Math.abs(answer.objectScore - expected.objectScore)).toBeLessThan(1e-4);
    });
  },
);
