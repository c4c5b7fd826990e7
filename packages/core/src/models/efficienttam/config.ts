import { z } from "zod";
import { UnSAMError } from "../../errors.js";
import type { WeightView } from "../layers/weight-view.js";
import type { DecoderConfig, ModelHints } from "../network-model.js";
import { count, decoderKeys, decoderRules, parseOfficialConfig } from "../sam2/decoder-config.js";

const TRUNK = "image_encoder.trunk";
const PATCH = 16;
const HEAD_WIDTH = 64;
/** Every third block of the official trunks attends to the whole map. */
const OFFICIAL_GLOBAL_EVERY = 3;
const OFFICIAL_SIDES = [512, 1024];
const SIZES: Readonly<Record<number, string>> = { 192: "ti", 384: "s" };

export interface EfficientTamConfig extends DecoderConfig {
  readonly trunk: {
    readonly embedDim: number;
    readonly depth: number;
    readonly heads: number;
    /** Width of the MLP's hidden layer over the block's. */
    readonly mlpRatio: number;
    /** Window side in tokens. */
    readonly window: number;
    /** Blocks that attend within windows; the others see the whole map. */
    readonly windowedBlocks: readonly number[];
  };
  readonly addNoMemoryEmbedding: boolean;
}

// Names of the official YAML. What it leaves out is told by the tensors, or is that of the official sizes.
const officialModel = z.object({
  image_size: count.min(64).max(4096).multipleOf(PATCH).optional(),
  backbone_stride: z.literal(PATCH).default(PATCH),
  image_encoder: z
    .object({
      scalp: z.literal(0).default(0),
      trunk: z
        .object({
          patch_size: z.literal(PATCH).default(PATCH),
          embed_dim: count.optional(),
          depth: count.max(256).optional(),
          num_heads: count.optional(),
          mlp_ratio: z.number().positive().max(64).default(4),
          qkv_bias: z.literal(true).default(true),
          use_rel_pos: z.literal(false).default(false),
          window_size: count.max(4096).default(14),
          window_block_indexes: z.array(z.number().int().nonnegative()).optional(),
        })
        .prefault({}),
      neck: z
        .object({ d_model: count.multipleOf(16).default(256), neck_norm: z.literal("LN").default("LN") })
        .prefault({}),
    })
    .prefault({}),
  use_high_res_features_in_sam: z.literal(false).default(false),
  ...decoderKeys,
});

/** The configuration of an EfficientTAM: what the user gave, then what the tensors and the file's name tell. */
export function efficientTamConfig(weights: WeightView, hints: ModelHints): EfficientTamConfig {
  const { name, model } = parseOfficialConfig(officialModel, hints.config ?? {});
  const { trunk, neck } = model.image_encoder;
  const embedDim = trunk.embed_dim ?? weights.shape(`${TRUNK}.patch_embed.proj.weight`)?.[0] ?? HEAD_WIDTH;
  const depth = trunk.depth ?? blocksOf(weights);
  const heads = trunk.num_heads ?? embedDim / HEAD_WIDTH;
  if (!Number.isInteger(embedDim / heads)) {
    throw new UnSAMError(
      "E_BAD_CONFIG",
      `The EfficientTAM trunk has ${embedDim} channels, which its tensors do not divide into heads; give num_heads in the model configuration.`,
    );
  }
  const imageSize = model.image_size ?? sideOf(hints.fileName);
  const blocks = Array.from({ length: depth }, (_, index) => index);
  return {
    name: name ?? `efficienttam-${SIZES[embedDim] ?? embedDim}-${imageSize}`,
    imageSize,
    trunk: {
      embedDim,
      depth,
      heads,
      mlpRatio: trunk.mlp_ratio,
      window: trunk.window_size,
      windowedBlocks:
        trunk.window_block_indexes ??
        blocks.filter((index) => index % OFFICIAL_GLOBAL_EVERY !== OFFICIAL_GLOBAL_EVERY - 1),
    },
    neck: { width: neck.d_model },
    highResFeatures: false,
    addNoMemoryEmbedding: model.directly_add_no_mem_embed,
    ...decoderRules(model),
  };
}

function blocksOf(weights: WeightView): number {
  let depth = 0;
  while (weights.has(`${TRUNK}.blocks.${depth}.norm1.weight`)) depth++;
  return Math.max(1, depth);
}

/** The variants of 512 and of 1024 pixels have the same tensors: the official files say it in their names. */
function sideOf(fileName: string): number {
  const [, width, height] = /(\d{3,4})x(\d{3,4})/i.exec(fileName) ?? [];
  const named = Number(width);
  return width === height && OFFICIAL_SIDES.includes(named) ? named : 1024;
}
