import { describeWithShared, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { foldLora, imageEncoder, parseModelConfig, WeightView } from "#core/models/index.js";
import { relativeError } from "../support/compare.js";
import { ParitySet } from "../support/parity.js";
import { runGraph } from "../support/run-graph.js";

/** The product's promise is 1e-4; float32 in another order of summation stays below this. */
const TOLERANCE = 5e-6;

describeWithShared("image encoder against the official code, stage by stage", () => {
  describe.each(["unsamv2-mini", "sam21-mini"])("%s", (name) => {
    it("gives every stage, every pyramid level and the embedding", async () => {
      const set = new ParitySet(shared("parity", name));
      const { checkpoint, model } = await set.open();
      const graph = imageEncoder(parseModelConfig(set.config), new WeightView(foldLora(model.weights)), {
        stages: true,
      });
      const outputs = await runGraph(graph, { pixel_values: set.array(set.image.input!) });
      await checkpoint.close();
      const errors: Record<string, number> = {};
      for (const [output, stored] of [
        ["image_embed", set.image.image_embed],
        ["high_res_0", set.image.high_res_feats_0!],
        ["high_res_1", set.image.high_res_feats_1!],
      ] as const) {
        const expected = set.array(stored);
        expect(outputs[output].shape).toEqual(expected.shape);
        errors[output] = relativeError(outputs[output].data, expected.data);
      }
      for (let stage = 0; stage < 4; stage++) {
        const expected = set.stage(`trunk_stage_${stage}`);
        errors[`stage ${stage}`] = relativeError(asPlanes(outputs[`trunk_stage_${stage}`]), expected.data);
      }
      // The reference keeps the first sixteen rows, [1, c, 16, side].
      const patches = set.stage("patch_embed");
      const firstRows = patches.shape[2] * patches.shape[3];
      const { data, shape } = outputs.patch_embed;
      const top = { data: data.subarray(0, firstRows * shape[1]), shape: [firstRows, shape[1]] };
      errors["patch embedding"] = relativeError(asPlanes(top), patches.data);
      for (const [what, error] of Object.entries(errors)) expect(error, what).toBeLessThan(TOLERANCE);
    });
  });
});

/** Tokens [side², c] as planes [c, side²]. */
function asPlanes({ data, shape }: { data: Float32Array; shape: readonly number[] }): Float32Array {
  const [cells, channels] = shape;
  return Float32Array.from(
    { length: data.length },
    (_, i) => data[(i % cells) * channels + Math.floor(i / cells)],
  );
}
