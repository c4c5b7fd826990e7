import {
  add,
  conv,
  gelu,
  gemm,
  type LazyTensor,
  layerNormalization,
  multiHeadAttention,
  reduceMax,
  reshape,
  slice,
  transpose,
  type Value,
} from "../../graph/index.js";
import { rows } from "../layers/derived-tensor.js";
import { positionEmbedding } from "../layers/position-embedding.js";
import type { WeightView } from "../layers/weight-view.js";
import { joinWindows, splitWindows } from "../layers/windows.js";
import { type BlockPlan, type ModelConfig, planBlocks } from "./config.js";

const TRUNK = "image_encoder.trunk";

/** A map of tokens, [side · side, channels], row by row. */
export interface TokenMap {
  readonly tokens: Value;
  readonly side: number;
  readonly width: number;
}

export interface TrunkOutput {
  /** Before the position embedding. */
  readonly patches: TokenMap;
  /** The output of each stage, finest first. */
  readonly levels: readonly TokenMap[];
}

/** The image encoder's trunk (Hiera, Ryali et al. 2023, as in SAM 2) on pixels [1, 3, S, S]. */
export function hiera(pixels: Value, config: ModelConfig, weights: WeightView): TrunkOutput {
  const patches = patchEmbedding(pixels, config, weights);
  const { side, width } = patches;
  const { trunk } = config;
  const position = positionEmbedding(
    weights.tensor(`${TRUNK}.pos_embed`, [1, width, ...trunk.backgroundSize]),
    weights.tensor(`${TRUNK}.pos_embed_window`, [1, width, trunk.windows[0], trunk.windows[0]]),
    side,
  );
  let tokens = add(patches.tokens, pixels.graph.weight(position));
  const levels: TokenMap[] = [];
  for (const plan of planBlocks(config)) {
    tokens = block(tokens, plan, config.trunk.normEps, weights);
    if (plan.endsStage) levels.push({ tokens, side: outgoingSide(plan), width: plan.width });
  }
  return { patches, levels };
}

function patchEmbedding(pixels: Value, config: ModelConfig, weights: WeightView): TokenMap {
  const { embedDim: width, patchKernel, patchPadding } = config.trunk;
  const side = config.imageSize / 4;
  const patches = conv(
    pixels,
    pixels.graph.weight(weights.tensor(`${TRUNK}.patch_embed.proj.weight`, [width, 3, ...patchKernel])),
    pixels.graph.weight(weights.tensor(`${TRUNK}.patch_embed.proj.bias`, [width])),
    { stride: [4, 4], padding: patchPadding },
  );
  return { tokens: transpose(reshape(patches, [width, side * side]), [1, 0]), side, width };
}

function outgoingSide(plan: BlockPlan): number {
  return plan.pools ? Math.floor(plan.side / 2) : plan.side;
}

function block(tokens: Value, plan: BlockPlan, epsilon: number, weights: WeightView): Value {
  const { widthIn, width, hidden } = plan;
  const prefix = `${TRUNK}.blocks.${plan.index}`;
  const g = tokens.graph;
  const weight = (name: string, shape: readonly number[]): LazyTensor =>
    weights.tensor(`${prefix}.${name}`, shape);
  const norm = (x: Value, name: string, channels: number): Value =>
    layerNormalization(
      x,
      g.weight(weight(`${name}.weight`, [channels])),
      g.weight(weight(`${name}.bias`, [channels])),
      epsilon,
    );
  const linear = (x: Value, name: string, from: number, to: number): Value =>
    gemm(x, g.weight(weight(`${name}.weight`, [to, from])), g.weight(weight(`${name}.bias`, [to])));

  const normed = norm(tokens, "norm1", widthIn);
  // Where the width changes the shortcut is projected; where it also pools, the projection is pooled.
  let shortcut = widthIn === width ? tokens : linear(normed, "proj", widthIn, width);
  if (plan.pools) {
    const pooled = maxPool(reshape(shortcut, [1, plan.side, plan.side, width]));
    shortcut = reshape(pooled, [outgoingSide(plan) ** 2, width]);
  }
  const attended = linear(attention(normed, plan, weight), "attn.proj", width, width);
  const merged = add(shortcut, attended);
  const expanded = gelu(linear(norm(merged, "norm2", width), "mlp.layers.0", width, hidden));
  return add(merged, linear(expanded, "mlp.layers.1", hidden, width));
}

/** Multi-head attention inside windows (or over the whole map) of tokens [side², widthIn]; before the output projection. */
function attention(
  normed: Value,
  plan: BlockPlan,
  weight: (name: string, shape: readonly number[]) => LazyTensor,
): Value {
  const { widthIn, width, side } = plan;
  const g = normed.graph;
  const combined = weight("attn.qkv.weight", [3 * width, widthIn]);
  // The biases come after the padding, inside the attention: a padded position's query, key and value are the bias.
  const [query, key, value] = [0, 1, 2].map((part) => {
    const projection = g.weight(rows(combined, part * width, (part + 1) * width));
    return splitWindows(gemm(normed, projection, null), side, plan.window);
  });
  // Pooling commutes with adding a bias per channel.
  const pooled = plan.pools ? maxPool(query) : query;
  const [windows, queryWindow] = pooled.shape.map(Number);
  const flat = (x: Value): Value => reshape(x, [windows, Number(x.shape[1]) * Number(x.shape[2]), width]);
  const bias = g.weight(weight("attn.qkv.bias", [3 * width]));
  const attended = multiHeadAttention(flat(pooled), flat(key), flat(value), bias, plan.heads);
  return joinWindows(attended, queryWindow, outgoingSide(plan));
}

/** 2 × 2 maxima of [n, side, side, c]; an odd last row or column is dropped. */
function maxPool(map: Value): Value {
  const [count, side, , width] = map.shape.map(Number);
  const half = Math.floor(side / 2);
  let even = map;
  for (const axis of [1, 2]) if (side % 2 === 1) even = slice(even, axis, 0, 2 * half);
  // One axis at a time, which ONNX Runtime reduces with its vectorised kernel.
  const columns = reduceMax(reshape(even, [count * 2 * half * half, 2, width]), 1);
  return reshape(reduceMax(reshape(columns, [count * half, 2, half * width]), 1), [count, half, half, width]);
}
