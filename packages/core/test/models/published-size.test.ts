import { describe, expect, it } from "vitest";
import { modelTensors, officialConfig, resolveModel } from "#core/models/index.js";

describe("a configuration of a published size", () => {
  it("is held against what the tensors do not tell", async () => {
    const tensors = new Map(
      [...modelTensors(officialConfig("small"), { granularity: false })].map(([name, shape]) => [
        name,
        { shape },
      ]),
    );
    const read = () => Promise.reject(new Error("nothing is read"));
    const model = (trunk: object, more: object = {}) =>
      resolveModel(
        { tensors, read },
        {
          image_size: 1024,
          image_encoder: {
            trunk: {
              embed_dim: 96,
              num_heads: 1,
              stages: [1, 2, 11, 2],
              global_att_blocks: [7, 10, 13],
              window_pos_embed_bkg_spatial_size: [7, 7],
              ...trunk,
            },
            neck: { fpn_top_down_levels: [2, 3] },
          },
          ...more,
        },
      );
    expect(model({}).config.imageSize).toBe(1024);
    expect(model({}, { image_size: 512 }).config.imageSize).toBe(512);
    for (const [trunk, message] of [
      [
        { num_heads: 2 },
        /size small, whose image_encoder\.trunk\.num_heads is 1, but the configuration says 2/,
      ],
      [
        { global_att_blocks: [7, 10] },
        /trunk\.global_att_blocks is \[7,10,13\], but the configuration says \[7,10\]/,
      ],
      [{ window_spec: [8, 4, 14, 8] }, /trunk\.window_spec/],
    ] as const) {
      expect(() => model(trunk)).toThrow(
        expect.objectContaining({ code: "E_BAD_CONFIG", message: expect.stringMatching(message) }),
      );
    }
  });
});
