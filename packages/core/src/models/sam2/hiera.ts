import {
  add,
  conv,
  gelu,
  gemm,
  type LazyTensor,
  layerNormalization,
  multiHeadAttention,
  padEnd,
  reduceMax,
  reshape,
  slice,
  transpose,
  type Value,
} from "../../graph/index.js";
import { rows } from "../layers/derived-tensor.js";
import type { WeightView } from "../layers/weight-view.js";
import { type BlockPlan, type ModelConfig, planBlocks } from "./config.js";
import { positionEmbedding } from "./position-embedding.js";

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
    return partition(gemm(normed, projection, null), side, plan.window);
  });
  // Pooling commutes with adding a bias per channel.
  const pooled = plan.pools ? maxPool(query) : query;
  const [windows, queryWindow] = pooled.shape.map(Number);
  const flat = (x: Value): Value => reshape(x, [windows, Number(x.shape[1]) * Number(x.shape[2]), width]);
  const bias = g.weight(weight("attn.qkv.bias", [3 * width]));
  const attended = multiHeadAttention(flat(pooled), flat(key), flat(value), bias, plan.heads);
  return unpartition(attended, queryWindow, outgoingSide(plan));
}

/** [side², c] → [windows, window, window, c], zeros at the bottom and right; window 0: one window holds the map. */
function partition(tokens: Value, side: number, window: number): Value {
  const width = tokens.shape[1];
  if (window === 0) return reshape(tokens, [1, side, side, width]);
  const across = Math.ceil(side / window);
  const missing = across * window - side;
  const padded = padEnd(reshape(tokens, [side, side, width]), [missing, missing, 0]);
  const tiles = transpose(reshape(padded, [across, window, across, window, width]), [0, 2, 1, 3, 4]);
  return reshape(tiles, [across * across, window, window, width]);
}

/** [windows, window², c] → [side², c], what lies beyond the map cut off. */
function unpartition(attended: Value, window: number, side: number): Value {
  const width = attended.shape[2];
  const across = Math.sqrt(Number(attended.shape[0]));
  const whole = across * window;
  let map = attended;
  if (across > 1)
    map = transpose(reshape(attended, [across, across, window, window, width]), [0, 2, 1, 3, 4]);
  map = reshape(map, [whole, whole, width]);
  for (const axis of [0, 1]) if (side < whole) map = slice(map, axis, 0, side);
  return reshape(map, [side * side, width]);
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
