import { z } from "zod";
import { UnSAMError } from "../../errors.js";
import type { DecoderConfig } from "../network-model.js";
import { count, decoderKeys, decoderRules, parseOfficialConfig } from "./decoder-config.js";

/** Everything about a SAM 2 that its tensors do not say. Made by `parseModelConfig` or by recognition. */
export interface ModelConfig extends DecoderConfig {
  readonly trunk: TrunkConfig;
  readonly neck: NeckConfig;
  /** `no_mem_embed` is added to the image embedding. */
  readonly addNoMemoryEmbedding: boolean;
}

export interface TrunkConfig {
  readonly embedDim: number;
  readonly heads: number;
  /** Blocks per stage. */
  readonly stages: readonly [number, number, number, number];
  readonly dimMul: number;
  readonly headMul: number;
  readonly mlpRatio: number;
  /** Window side per stage in tokens; 0 attends globally. */
  readonly windows: readonly number[];
  /** Blocks, counted over all stages, that attend globally. */
  readonly globalBlocks: readonly number[];
  /** Height and width of the background position embedding before it is resized. */
  readonly backgroundSize: readonly [number, number];
  readonly patchKernel: readonly [number, number];
  readonly patchPadding: readonly [number, number];
  readonly normEps: number;
}

export interface NeckConfig {
  /** Channels of the image embedding and of the decoder's tokens. */
  readonly width: number;
  /** Levels (0 the finest) that add the doubled coarser level. */
  readonly topDownLevels: readonly number[];
  readonly fuse: "sum" | "avg";
}

/** Blocks of a stage: the largest official one has 36, and each becomes a dozen nodes of a graph before it is missed. */
const depth = count.max(256);
const pair = <T extends z.ZodType>(item: T) => z.tuple([item, item]);

// Names and defaults of the official YAML; keys that a single image never uses are tolerated.
const officialModel = z.object({
  image_size: count.min(64).max(4096).multipleOf(32),
  backbone_stride: z.literal(16).default(16),
  image_encoder: z.object({
    scalp: z.literal(1).default(1),
    trunk: z.object({
      embed_dim: count.default(96),
      num_heads: count.default(1),
      stages: z.tuple([depth, depth, depth, depth]).default([2, 3, 16, 3]),
      q_pool: z.literal(3).default(3),
      q_stride: pair(z.literal(2)).default([2, 2]),
      dim_mul: z.number().positive().max(16).default(2),
      head_mul: z.number().positive().max(16).default(2),
      mlp_ratio: z.number().positive().max(64).default(4),
      window_spec: z
        .tuple([
          count,
          z.number().int().nonnegative().max(4096),
          z.number().int().nonnegative().max(4096),
          z.number().int().nonnegative().max(4096),
        ])
        .default([8, 4, 14, 7]),
      global_att_blocks: z.array(z.number().int().nonnegative()).nullable().default([12, 16, 20]),
      window_pos_embed_bkg_spatial_size: pair(count).default([14, 14]),
      patch_embed: z
        .object({
          kernel_size: pair(count).default([7, 7]),
          stride: pair(z.literal(4)).default([4, 4]),
          padding: pair(z.number().int().nonnegative().max(64)).default([3, 3]),
          in_chans: z.literal(3).default(3),
        })
        .prefault({}),
      norm_eps: z.number().positive().default(1e-6),
    }),
    neck: z
      .object({
        d_model: count.multipleOf(16).default(256),
        backbone_channel_list: z.array(count).length(4).optional(),
        fpn_top_down_levels: z.array(z.number().int().min(0).max(3)).nullable().default([0, 1, 2, 3]),
        fpn_interp_model: z.literal("nearest").default("nearest"),
        fuse_type: z.enum(["sum", "avg"]).default("sum"),
        kernel_size: z.literal(1).default(1),
        stride: z.literal(1).default(1),
        padding: z.literal(0).default(0),
      })
      .prefault({ fpn_top_down_levels: [2, 3] }),
  }),
  use_high_res_features_in_sam: z.literal(true).default(true),
  ...decoderKeys,
});

/**
 * Reads a model configuration: an object with the keys of the official YAML, under `model` or bare.
 * Throws `E_BAD_CONFIG`, naming the first key that is wrong.
 */
export function parseModelConfig(json: unknown): ModelConfig {
  const { name, model } = parseOfficialConfig(officialModel, json);
  const { trunk, neck } = model.image_encoder;
  const config: ModelConfig = {
    name: name ?? "custom",
    imageSize: model.image_size,
    trunk: {
      embedDim: trunk.embed_dim,
      heads: trunk.num_heads,
      stages: trunk.stages,
      dimMul: trunk.dim_mul,
      headMul: trunk.head_mul,
      mlpRatio: trunk.mlp_ratio,
      windows: trunk.window_spec,
      globalBlocks: trunk.global_att_blocks ?? [],
      backgroundSize: trunk.window_pos_embed_bkg_spatial_size,
      patchKernel: trunk.patch_embed.kernel_size,
      patchPadding: trunk.patch_embed.padding,
      normEps: trunk.norm_eps,
    },
    neck: {
      width: neck.d_model,
      topDownLevels: neck.fpn_top_down_levels ?? [0, 1, 2, 3],
      fuse: neck.fuse_type,
    },
    highResFeatures: true,
    addNoMemoryEmbedding: model.directly_add_no_mem_embed,
    ...decoderRules(model),
  };
  checkTrunk(config, neck.backbone_channel_list);
  return config;
}

/** One transformer block of the trunk, all numbers worked out (Hiera, section 3; SAM 2, section 4). */
export interface BlockPlan {
  readonly index: number;
  readonly widthIn: number;
  readonly width: number;
  readonly heads: number;
  /** Width of the MLP's hidden layer. */
  readonly hidden: number;
  /** Window side in tokens of the incoming map; 0 attends over the whole map. */
  readonly window: number;
  /** Queries are max-pooled 2 × 2, so the map leaves at half the side. */
  readonly pools: boolean;
  /** Side of the incoming map. */
  readonly side: number;
  /** The block ends a stage: its output is a level of the neck. */
  readonly endsStage: boolean;
}

export function planBlocks(config: ModelConfig): readonly BlockPlan[] {
  const { trunk } = config;
  const plans: BlockPlan[] = [];
  let width = trunk.embedDim;
  let heads = trunk.heads;
  let side = config.imageSize / 4;
  trunk.stages.forEach((blocks, stage) => {
    for (let position = 0; position < blocks; position++) {
      const index = plans.length;
      const first = position === 0 && stage > 0;
      const widthIn = width;
      if (first) {
        width = Math.trunc(width * trunk.dimMul);
        heads = Math.trunc(heads * trunk.headMul);
      }
      plans.push({
        index,
        widthIn,
        width,
        heads,
        hidden: Math.trunc(width * trunk.mlpRatio),
        // The first block of a stage still sees the map of the stage before, and uses its window.
        window: trunk.globalBlocks.includes(index) ? 0 : trunk.windows[first ? stage - 1 : stage],
        pools: first,
        side,
        endsStage: position === blocks - 1,
      });
      if (first) side = Math.floor(side / 2);
    }
  });
  return plans;
}

function checkTrunk(config: ModelConfig, channels: readonly number[] | undefined): void {
  const fail = (sentence: string): never => {
    throw new UnSAMError("E_BAD_CONFIG", `The model configuration does not make sense: ${sentence}`);
  };
  const { trunk } = config;
  const side = config.imageSize / 4;
  const [kernel, padding] = [trunk.patchKernel, trunk.patchPadding];
  for (const axis of [0, 1]) {
    if (Math.floor((config.imageSize + 2 * padding[axis] - kernel[axis]) / 4) + 1 !== side) {
      fail(
        `patch_embed with kernel ${kernel[axis]} and padding ${padding[axis]} does not give image_size / 4 tokens.`,
      );
    }
  }
  if (side % trunk.windows[0] !== 0) {
    fail(
      `window_spec[0] is ${trunk.windows[0]}, but the ${side} × ${side} tokens of image_size ${config.imageSize} ` +
        `are not a multiple of it, so the window position embedding cannot tile them.`,
    );
  }
  const plans = planBlocks(config);
  const beyond = trunk.globalBlocks.find((index) => index >= plans.length);
  if (beyond !== undefined) {
    fail(
      `global_att_blocks names block ${beyond}, but stages has only ${plans.length} blocks (0 to ${plans.length - 1}).`,
    );
  }
  for (const plan of plans) {
    if (plan.width < 1 || plan.heads < 1 || plan.width % plan.heads !== 0) {
      fail(`block ${plan.index} has ${plan.width} channels for ${plan.heads} heads.`);
    }
    if (plan.pools && plan.window > 0) {
      const windows = Math.ceil(plan.side / plan.window);
      const half = Math.floor(plan.window / 2);
      if (half === 0 || Math.ceil(Math.floor(plan.side / 2) / half) !== windows) {
        fail(`windows of ${plan.window} over ${plan.side} tokens (block ${plan.index}) cannot be halved.`);
      }
    }
  }
  const widths = plans.filter((plan) => plan.endsStage).map((plan) => plan.width);
  if (channels && channels.join() !== [...widths].reverse().join()) {
    fail(
      `backbone_channel_list is [${channels.join(", ")}], but embed_dim ${trunk.embedDim} gives ` +
        `[${[...widths].reverse().join(", ")}].`,
    );
  }
}
