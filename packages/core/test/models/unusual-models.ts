import { type ModelConfig, parseModelConfig } from "#core/models/index.js";

interface UnusualModel {
  readonly size: number;
  readonly trunk: object;
  readonly neck?: object;
  readonly more?: object;
}

/** Sizes no published model has; each line is there for what it says. */
const models: Readonly<Record<string, UnusualModel>> = {
  "windows that do not divide their maps": {
    size: 160,
    trunk: {
      embed_dim: 12,
      num_heads: 2,
      stages: [1, 2, 3, 1],
      window_spec: [8, 6, 7, 4],
      global_att_blocks: [4],
    },
  },
  "odd windows, halved at the stage's end": {
    size: 96,
    trunk: {
      embed_dim: 8,
      num_heads: 1,
      stages: [2, 1, 2, 2],
      window_spec: [6, 5, 5, 2],
      global_att_blocks: [],
    },
  },
  "windows larger than their maps": {
    size: 64,
    trunk: {
      embed_dim: 8,
      num_heads: 2,
      stages: [1, 2, 2, 1],
      window_spec: [8, 14, 14, 7],
      global_att_blocks: null,
    },
  },
  "global blocks at the start of a stage and in the last": {
    size: 96,
    trunk: {
      embed_dim: 8,
      num_heads: 1,
      stages: [1, 1, 2, 3],
      window_spec: [8, 4, 3, 3],
      global_att_blocks: [2, 4, 6],
    },
  },
  "a stage whose window is the whole map": {
    size: 64,
    trunk: {
      embed_dim: 8,
      num_heads: 1,
      stages: [1, 1, 2, 1],
      window_spec: [8, 4, 0, 0],
      global_att_blocks: [],
    },
  },
  "other multipliers, background map and patch kernel": {
    size: 96,
    trunk: {
      embed_dim: 16,
      num_heads: 2,
      stages: [1, 1, 1, 1],
      dim_mul: 1.5,
      head_mul: 1,
      mlp_ratio: 2,
      window_spec: [4, 4, 2, 3],
      global_att_blocks: [2],
      window_pos_embed_bkg_spatial_size: [5, 9],
      patch_embed: { kernel_size: [5, 5], padding: [2, 2] },
      norm_eps: 1e-3,
    },
  },
  "every level of the pyramid top-down, averaged, no memory embedding": {
    size: 64,
    trunk: {
      embed_dim: 8,
      num_heads: 1,
      stages: [1, 1, 1, 1],
      window_spec: [8, 4, 4, 2],
      global_att_blocks: [],
    },
    neck: { d_model: 32, fpn_top_down_levels: null, fuse_type: "avg" },
    more: { directly_add_no_mem_embed: false },
  },
};

/** Configurations by what is particular about them. */
export const UNUSUAL_MODELS: ReadonlyMap<string, ModelConfig> = new Map(
  Object.entries(models).map(([name, { size, trunk, neck, more }]) => [
    name,
    parseModelConfig({
      image_size: size,
      image_encoder: { trunk, neck: { d_model: 64, fpn_top_down_levels: [2, 3], ...neck } },
      ...more,
    }),
  ]),
);
