import { describe, expect, it } from "vitest";
import { parseModelConfig, resolveModel } from "#core/models/index.js";
import { requiredShapes } from "../support/synthetic-model.js";

// As the official YAML files have them.
const sizes = {
  tiny: { embed_dim: 96, num_heads: 1, stages: [1, 2, 7, 2], global_att_blocks: [5, 7, 9], bkg: 7 },
  small: { embed_dim: 96, num_heads: 1, stages: [1, 2, 11, 2], global_att_blocks: [7, 10, 13], bkg: 7 },
  "base-plus": {
    embed_dim: 112,
    num_heads: 2,
    stages: [2, 3, 16, 3],
    global_att_blocks: [12, 16, 20],
    bkg: 14,
  },
  large: {
    embed_dim: 144,
    num_heads: 2,
    stages: [2, 6, 36, 4],
    global_att_blocks: [23, 33, 43],
    bkg: 7,
    windows: [8, 4, 16, 8],
  },
};

function directory(size: object, granularity: boolean): Map<string, { shape: readonly number[] }> {
  const { bkg, windows, ...trunk } = size as { bkg: number; windows?: number[] };
  const config = parseModelConfig({
    image_size: 1024,
    image_encoder: {
      trunk: {
        ...trunk,
        window_spec: windows ?? [8, 4, 14, 7],
        window_pos_embed_bkg_spatial_size: [bkg, bkg],
      },
    },
  });
  return requiredShapes(config, granularity);
}

const unread = (): never => {
  throw new Error("resolving a model reads no tensor");
};

describe("published checkpoints", () => {
  it.each(Object.entries(sizes))("recognises SAM 2.1 %s by its tensors", (name, size) => {
    const tensors = directory(size, false);
    tensors.set("no_obj_embed_spatial", { shape: [1, 64] });
    const model = resolveModel({ tensors, read: unread });
    expect(model.config.name).toBe(`sam2.1-${name}`);
    expect(model.granularity).toBe(false);
    expect(model.config).toMatchObject({
      imageSize: 1024,
      trunk: {
        embedDim: size.embed_dim,
        heads: size.num_heads,
        stages: size.stages,
        globalBlocks: size.global_att_blocks,
        windows: "windows" in size ? size.windows : [8, 4, 14, 7],
        backgroundSize: [size.bkg, size.bkg],
      },
      neck: { topDownLevels: [2, 3] },
    });
  });

  it("tells UnSAMv2, SAM 2.1 and SAM 2 apart", () => {
    expect(resolveModel({ tensors: directory(sizes.small, true), read: unread }).config.name).toBe(
      "unsamv2-small",
    );
    expect(resolveModel({ tensors: directory(sizes["base-plus"], true), read: unread }).granularity).toBe(
      true,
    );
    expect(resolveModel({ tensors: directory(sizes.tiny, false), read: unread }).config.name).toBe(
      "sam2-tiny",
    );
  });

  it("asks for a configuration where the size is not published", () => {
    const tensors = directory({ ...sizes.tiny, stages: [1, 2, 8, 2] }, false);
    expect(() => resolveModel({ tensors, read: unread })).toThrow(
      expect.objectContaining({
        code: "E_BAD_CONFIG",
        message: expect.stringContaining("stages [1, 2, 8, 2]"),
      }),
    );
  });

  it("says so where the file is no SAM 2 at all", () => {
    const tensors = new Map([["encoder.weight", { shape: [3, 3] }]]);
    expect(() => resolveModel({ tensors, read: unread })).toThrow(
      expect.objectContaining({
        code: "E_BAD_CHECKPOINT",
        message: expect.stringContaining("no model that is known here"),
      }),
    );
  });
});
