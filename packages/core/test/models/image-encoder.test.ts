import { describe, expect, it } from "vitest";
import { imageEncoder, WeightView } from "#core/models/index.js";
import { relativeError } from "../support/compare.js";
import { randomValues } from "../support/random.js";
import { runGraph } from "../support/run-graph.js";
import { syntheticCheckpoint } from "../support/synthetic-model.js";
import { referenceEncoder } from "./reference-hiera.js";
import { UNUSUAL_MODELS } from "./unusual-models.js";

const TOLERANCE = 5e-6;

describe("image encoder against a plain float64 program", () => {
  it.each([...UNUSUAL_MODELS])("%s", async (_, config) => {
    const size = config.imageSize;
    const source = syntheticCheckpoint(config);
    const pixels = randomValues(3 * size * size, 99);
    const expected = await referenceEncoder(pixels, config, source);
    const graph = imageEncoder(config, new WeightView(source), { stages: true });
    const outputs = await runGraph(graph, { pixel_values: { data: pixels, shape: [1, 3, size, size] } });
    for (let stage = 0; stage < 4; stage++) {
      const { data, shape } = outputs[`trunk_stage_${stage}`];
      const tokens = Float64Array.from(
        { length: data.length },
        (_, i) => expected.stages[stage][(i % shape[1]) * shape[0] + Math.floor(i / shape[1])],
      );
      expect(relativeError(data, tokens), `stage ${stage}`).toBeLessThan(TOLERANCE);
    }
    expect(relativeError(outputs.image_embed.data, expected.image_embed)).toBeLessThan(TOLERANCE);
    expect(relativeError(outputs.high_res_0.data, expected.high_res_0)).toBeLessThan(TOLERANCE);
    expect(relativeError(outputs.high_res_1.data, expected.high_res_1)).toBeLessThan(TOLERANCE);
  });
});
