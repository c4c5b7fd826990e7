import { UnSAMError } from "../../errors.js";
import type { WeightView } from "../layers/weight-view.js";
import { type ModelConfig, parseModelConfig } from "./config.js";

interface OfficialTrunk {
  readonly size: string;
  readonly embed_dim: number;
  readonly num_heads: number;
  readonly stages: readonly number[];
  readonly global_att_blocks: readonly number[];
  readonly window_pos_embed_bkg_spatial_size: readonly number[];
  readonly window_spec: readonly number[];
}

/** Trunks of the published checkpoints, as in their YAML files. Heads, windows and global blocks leave no trace in tensors. */
const OFFICIAL: readonly OfficialTrunk[] = [
  {
    size: "tiny",
    embed_dim: 96,
    num_heads: 1,
    stages: [1, 2, 7, 2],
    global_att_blocks: [5, 7, 9],
    window_pos_embed_bkg_spatial_size: [7, 7],
    window_spec: [8, 4, 14, 7],
  },
  {
    size: "small",
    embed_dim: 96,
    num_heads: 1,
    stages: [1, 2, 11, 2],
    global_att_blocks: [7, 10, 13],
    window_pos_embed_bkg_spatial_size: [7, 7],
    window_spec: [8, 4, 14, 7],
  },
  {
    size: "base-plus",
    embed_dim: 112,
    num_heads: 2,
    stages: [2, 3, 16, 3],
    global_att_blocks: [12, 16, 20],
    window_pos_embed_bkg_spatial_size: [14, 14],
    window_spec: [8, 4, 14, 7],
  },
  {
    size: "large",
    embed_dim: 144,
    num_heads: 2,
    stages: [2, 6, 36, 4],
    global_att_blocks: [23, 33, 43],
    window_pos_embed_bkg_spatial_size: [7, 7],
    window_spec: [8, 4, 16, 8],
  },
];

const OFFICIAL_IMAGE_SIZE = 1024;

/** What all published checkpoints share beside the trunk; the trunk named here is any one of theirs. */
export const OFFICIAL_DECODER: ModelConfig = configOf("official", OFFICIAL[0]);

/** The configuration of a published size: "tiny", "small", "base-plus" or "large". Throws `E_BAD_CONFIG`. */
export function officialConfig(size: string): ModelConfig {
  const trunk = OFFICIAL.find((official) => official.size === size);
  if (trunk) return configOf(size, trunk);
  const sizes = OFFICIAL.map((official) => official.size).join(", ");
  throw new UnSAMError("E_BAD_CONFIG", `There is no published size ${size}; there are ${sizes}.`);
}

/**
 * The configuration of a published checkpoint (UnSAMv2, SAM 2, SAM 2.1), told by names and shapes of its tensors;
 * `variant` begins its name.
 * Throws `E_BAD_CHECKPOINT` where there is no SAM 2 trunk at all, `E_BAD_CONFIG` where it is of no published size.
 */
export function recogniseSize(weights: WeightView, variant: string): ModelConfig {
  const patches = weights.shape("image_encoder.trunk.patch_embed.proj.weight");
  const background = weights.shape("image_encoder.trunk.pos_embed");
  const window = weights.shape("image_encoder.trunk.pos_embed_window");
  if (!patches || !background || !window) {
    const names = { patch_embed: patches, pos_embed: background, pos_embed_window: window };
    const missing = Object.entries(names).find(([, shape]) => !shape)![0];
    const full = missing === "patch_embed" ? "patch_embed.proj.weight" : missing;
    throw new UnSAMError(
      "E_BAD_CHECKPOINT",
      `The checkpoint is no SAM 2 model: image_encoder.trunk.${full} is missing. Give a checkpoint of UnSAMv2, SAM 2 or SAM 2.1.`,
    );
  }
  const trunk = publishedTrunk(weights);
  if (!trunk) {
    throw new UnSAMError(
      "E_BAD_CONFIG",
      `The checkpoint has no published size (embed_dim ${patches[0]}, stages [${stageLengths(weights).join(", ")}]), and its tensors do ` +
        "not tell its heads, windows and image size: give the model configuration as JSON (the keys of the official YAML).",
    );
  }
  return configOf(`${variant}-${trunk.size}`, trunk);
}

/** The published size that the tensors have, by their shapes; undefined: none. */
function publishedTrunk(weights: WeightView): OfficialTrunk | undefined {
  const patches = weights.shape("image_encoder.trunk.patch_embed.proj.weight");
  const background = weights.shape("image_encoder.trunk.pos_embed");
  const window = weights.shape("image_encoder.trunk.pos_embed_window");
  const stages = stageLengths(weights).join();
  return OFFICIAL.find(
    (official) =>
      official.embed_dim === patches?.[0] &&
      official.stages.join() === stages &&
      official.window_pos_embed_bkg_spatial_size.join() === background?.slice(2).join() &&
      official.window_spec[0] === window?.[2],
  );
}

/**
 * Throws `E_BAD_CONFIG` where the tensors have a published size and a given configuration contradicts it in what leaves no
 * trace in them: the model would run and its masks would be wrong. The image size is free.
 */
export function checkAgainstPublishedSize(given: ModelConfig, weights: WeightView): void {
  const trunk = publishedTrunk(weights);
  if (!trunk) return;
  const right = configOf(trunk.size, trunk);
  const claims: [key: string, given: unknown, right: unknown][] = [
    ["trunk.num_heads", given.trunk.heads, right.trunk.heads],
    ["trunk.head_mul", given.trunk.headMul, right.trunk.headMul],
    ["trunk.window_spec", given.trunk.windows, right.trunk.windows],
    ["trunk.global_att_blocks", given.trunk.globalBlocks, right.trunk.globalBlocks],
    ["neck.fpn_top_down_levels", given.neck.topDownLevels, right.neck.topDownLevels],
    ["neck.fuse_type", given.neck.fuse, right.neck.fuse],
  ];
  for (const [key, found, expected] of claims) {
    const [a, b] = [found, expected].map((value) => JSON.stringify(value));
    if (a === b) continue;
    throw new UnSAMError(
      "E_BAD_CONFIG",
      `The tensors are those of the published size ${trunk.size}, whose image_encoder.${key} is ${b}, but the configuration says ${a}; ` +
        "correct it, or leave the configuration out.",
    );
  }
}

function configOf(name: string, { size: _, ...trunk }: OfficialTrunk): ModelConfig {
  return parseModelConfig({
    name,
    model: {
      image_size: OFFICIAL_IMAGE_SIZE,
      image_encoder: { trunk, neck: { fpn_top_down_levels: [2, 3] } },
    },
  });
}

/** Blocks per stage: a stage is a run of blocks of one width. */
function stageLengths(weights: WeightView): number[] {
  const lengths: number[] = [];
  let width: number | undefined;
  for (let index = 0; ; index++) {
    const shape = weights.shape(`image_encoder.trunk.blocks.${index}.attn.proj.weight`);
    if (!shape) return lengths;
    if (shape[0] === width) lengths[lengths.length - 1]++;
    else lengths.push(1);
    width = shape[0];
  }
}
