import type { NativeFeatures } from "./binding.js";
import type { NativeEncoderPlan, NativeImageEncoder } from "./encoder-binding.js";
import type { NativeTensor, NativeWeights } from "./native-weights.js";
import { randomNumbers, randomTensor } from "./random-tensor.js";

const WIDTH = 256;
const DECODER = "sam_mask_decoder";
const PROMPT = "sam_prompt_encoder";
const MASKS = 4;

/** Weights of the right shapes that mean nothing, for trying a decoder out. The same numbers for the same seed. */
export function syntheticWeights({ granularity = true, seed = 1 } = {}): NativeWeights {
  const random = randomNumbers(seed);
  return Object.fromEntries(
    [...shapes(granularity)].map(([name, shape]): [string, NativeTensor] => [
      name,
      randomTensor(name, shape, random),
    ]),
  );
}

/** Image features for an embedding of `side` × `side` tokens. */
export function syntheticFeatures(side: number, seed = 2): NativeFeatures {
  const random = randomNumbers(seed);
  const fill = (length: number) => Float32Array.from({ length }, random);
  return {
    side,
    imageEmbed: fill(WIDTH * side ** 2),
    highRes0: fill(32 * (4 * side) ** 2),
    highRes1: fill(64 * (2 * side) ** 2),
  };
}

/** An encoder small enough to be tried out, which still takes every kind of kernel: windows, padding, pooling, all keys. */
export const SYNTHETIC_ENCODER: NativeEncoderPlan = {
  imageSize: 64,
  embedDim: 16,
  patchKernel: [7, 7],
  patchPadding: [3, 3],
  normEps: 1e-6,
  blocks: [
    { width: 16, heads: 1, hidden: 64, window: 8, pools: false },
    { width: 32, heads: 2, hidden: 128, window: 8, pools: true },
    { width: 32, heads: 2, hidden: 128, window: 3, pools: false },
    { width: 48, heads: 3, hidden: 96, window: 4, pools: true },
    { width: 48, heads: 3, hidden: 96, window: 0, pools: false },
    { width: 64, heads: 4, hidden: 128, window: 2, pools: true },
  ],
  neck: { width: 256, topDownLevels: [2, 3], average: false, addNoMemory: true },
};

/** Everything but the matrices, and these by name. */
export function syntheticEncoderWeights(
  plan: NativeEncoderPlan = SYNTHETIC_ENCODER,
  seed = 3,
): { readonly vectors: NativeWeights; readonly matrix: (name: string) => NativeTensor } {
  const random = randomNumbers(seed);
  const all = new Map(
    [...encoderShapes(plan)].map(([name, shape]) => [name, randomTensor(name, shape, random)]),
  );
  return { vectors: Object.fromEntries(all), matrix: (name) => all.get(name)! };
}

/** Loads the matrices that the encoder still lacks. */
export async function loadMatrices(
  encoder: NativeImageEncoder,
  matrix: (name: string) => NativeTensor,
): Promise<void> {
  for (const name of encoder.matrices()) await encoder.load(name, matrix(name));
}

function encoderShapes(plan: NativeEncoderPlan): Map<string, readonly number[]> {
  const all = new Map<string, readonly number[]>();
  const trunk = "image_encoder.trunk";
  const layer = (name: string, shape: readonly number[]) => {
    all.set(`${name}.weight`, shape);
    all.set(`${name}.bias`, [shape[0]]);
  };
  const d = plan.neck.width;
  layer(`${trunk}.patch_embed.proj`, [plan.embedDim, 3, ...plan.patchKernel]);
  all.set(`${trunk}.position_embedding`, [(plan.imageSize / 4) ** 2, plan.embedDim]);
  let before = plan.embedDim;
  const levels: number[] = [];
  for (const [i, { width, hidden, pools }] of plan.blocks.entries()) {
    const name = `${trunk}.blocks.${i}`;
    if (pools) levels.push(before);
    layer(`${name}.norm1`, [before]);
    layer(`${name}.norm2`, [width]);
    layer(`${name}.attn.qkv`, [3 * width, before]);
    layer(`${name}.attn.proj`, [width, width]);
    layer(`${name}.mlp.layers.0`, [hidden, width]);
    layer(`${name}.mlp.layers.1`, [width, hidden]);
    if (width !== before) layer(`${name}.proj`, [width, before]);
    before = width;
  }
  for (const [level, width] of [...levels, before].entries()) {
    layer(`image_encoder.neck.convs.${3 - level}.conv`, [d, width, 1, 1]);
  }
  layer(`${DECODER}.conv_s0`, [d / 8, d, 1, 1]);
  layer(`${DECODER}.conv_s1`, [d / 4, d, 1, 1]);
  all.set("no_mem_embed", [1, 1, d]);
  return all;
}

/** Names and shapes of the official checkpoints' prompt encoder and mask decoder. */
function shapes(granularity: boolean): Map<string, readonly number[]> {
  const all = new Map<string, readonly number[]>();
  const layer = (name: string, shape: readonly number[], bias = shape[0]) => {
    all.set(`${name}.weight`, shape);
    all.set(`${name}.bias`, [bias]);
  };
  const mlp = (name: string, out: number) => {
    for (const [i, width] of [WIDTH, WIDTH, out].entries()) layer(`${name}.layers.${i}`, [width, WIDTH]);
  };
  const attention = (name: string, inner: number) => {
    for (const part of ["q_proj", "k_proj", "v_proj"]) layer(`${name}.${part}`, [inner, WIDTH]);
    layer(`${name}.out_proj`, [WIDTH, inner]);
  };
  for (const name of [0, 1].map((i) => `${DECODER}.transformer.layers.${i}`)) {
    attention(`${name}.self_attn`, WIDTH);
    attention(`${name}.cross_attn_token_to_image`, WIDTH / 2);
    attention(`${name}.cross_attn_image_to_token`, WIDTH / 2);
    layer(`${name}.mlp.layers.0`, [2048, WIDTH]);
    layer(`${name}.mlp.layers.1`, [WIDTH, 2048]);
    for (const norm of [1, 2, 3, 4]) layer(`${name}.norm${norm}`, [WIDTH]);
  }
  attention(`${DECODER}.transformer.final_attn_token_to_image`, WIDTH / 2);
  layer(`${DECODER}.transformer.norm_final_attn`, [WIDTH]);
  all.set(`${DECODER}.obj_score_token.weight`, [1, WIDTH]);
  all.set(`${DECODER}.iou_token.weight`, [1, WIDTH]);
  all.set(`${DECODER}.mask_tokens.weight`, [MASKS, WIDTH]);
  layer(`${DECODER}.output_upscaling.0`, [WIDTH, 64, 2, 2], 64);
  layer(`${DECODER}.output_upscaling.1`, [64]);
  layer(`${DECODER}.output_upscaling.3`, [64, 32, 2, 2], 32);
  mlp(`${DECODER}.iou_prediction_head`, MASKS);
  mlp(`${DECODER}.pred_obj_score_head`, 1);
  all.set(`${PROMPT}.pe_layer.positional_encoding_gaussian_matrix`, [2, WIDTH / 2]);
  for (let label = 0; label < 4; label++) all.set(`${PROMPT}.point_embeddings.${label}.weight`, [1, WIDTH]);
  all.set(`${PROMPT}.not_a_point_embed.weight`, [1, WIDTH]);
  all.set(`${PROMPT}.no_mask_embed.weight`, [1, WIDTH]);
  layer(`${PROMPT}.mask_downscaling.0`, [4, 1, 2, 2]);
  layer(`${PROMPT}.mask_downscaling.1`, [4]);
  layer(`${PROMPT}.mask_downscaling.3`, [16, 4, 2, 2]);
  layer(`${PROMPT}.mask_downscaling.4`, [16]);
  layer(`${PROMPT}.mask_downscaling.6`, [WIDTH, 16, 1, 1]);
  if (granularity) {
    all.set(`${DECODER}.gra_token.weight`, [1, WIDTH]);
    mlp(`${DECODER}.gra_output_token_mlp`, 32);
    layer(`${PROMPT}.fourier_embedder.mlp.mlp.0`, [192, 128]);
    layer(`${PROMPT}.fourier_embedder.mlp.mlp.3`, [192, 192]);
    layer(`${PROMPT}.fourier_embedder.mlp.mlp.6`, [WIDTH, 192]);
    all.set(`${PROMPT}.granularity_embedding.weight`, [1, WIDTH]);
  } else {
    for (let i = 0; i < MASKS; i++) mlp(`${DECODER}.output_hypernetworks_mlps.${i}`, 32);
  }
  return all;
}
