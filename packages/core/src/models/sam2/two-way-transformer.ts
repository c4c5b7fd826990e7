import {
  add,
  type LazyTensor,
  matMul,
  mul,
  reshape,
  softmax,
  transpose,
  type Value,
} from "../../graph/index.js";
import { linear, mlpModule, norm, project } from "../layers/modules.js";
import type { WeightView } from "../layers/weight-view.js";

const TRANSFORMER = "sam_mask_decoder.transformer";
const HEADS = 8;
const MLP_WIDTH = 2048;
const EPSILON = 1e-5;
const LAYERS = 2;

/**
 * Keys and values of the token→image attention and queries of the image→token attention of one layer, split into heads:
 * key [n, heads, c, cells], value and query [n, heads, cells, c]. For layer 0 they do not depend on the prompt.
 */
export interface ImageProjections {
  readonly key: Value;
  readonly value: Value;
  readonly query: Value;
}

/** Projections of image tokens [n, cells, d]; `position` [cells, d] is added for keys and queries, not for values. */
export function imageProjections(
  image: Value,
  position: LazyTensor,
  layer: number,
  weights: WeightView,
): ImageProjections {
  const prefix = `${TRANSFORMER}.layers.${layer}`;
  return {
    ...imageKeyValue(image, position, `${prefix}.cross_attn_token_to_image`, weights),
    query: split(placed(image, position, `${prefix}.cross_attn_image_to_token.q_proj`, weights)),
  };
}

function imageKeyValue(
  image: Value,
  position: LazyTensor,
  attention: string,
  weights: WeightView,
): { readonly key: Value; readonly value: Value } {
  return {
    key: transpose(heads(placed(image, position, `${attention}.k_proj`, weights)), [0, 2, 3, 1]),
    value: split(linear(image, `${attention}.v_proj`, crossWidth(image), weights)),
  };
}

/** W (x + p) + b as W x + (W p + b): the second part is constant and folded when the graph is loaded. */
function placed(image: Value, position: LazyTensor, name: string, weights: WeightView): Value {
  const width = crossWidth(image);
  return add(
    project(image, name, width, weights),
    linear(image.graph.weight(position), name, width, weights),
  );
}

/** Cross-attention runs at half the width. */
function crossWidth(x: Value): number {
  return Number(x.shape.at(-1)) / 2;
}

/**
 * The two-way transformer (SAM, section A). tokens [batch, t, d], image [1 or batch, cells, d], first = layer 0's
 * projections of that image, bias [batch, 1, 1, t]: −large for tokens that must not be seen.
 * Returns the tokens and the image tokens [batch, cells, d].
 */
export function twoWayTransformer(
  initial: Value,
  image: Value,
  first: ImageProjections,
  position: LazyTensor,
  bias: Value,
  weights: WeightView,
): { readonly tokens: Value; readonly image: Value } {
  let tokens = initial;
  let cells = image;
  for (let layer = 0; layer < LAYERS; layer++) {
    const prefix = `${TRANSFORMER}.layers.${layer}`;
    // The very first self-attention replaces its input, and knows no positions.
    tokens = norm(
      layer === 0
        ? selfAttention(tokens, tokens, `${prefix}.self_attn`, bias, weights)
        : add(tokens, selfAttention(add(tokens, initial), tokens, `${prefix}.self_attn`, bias, weights)),
      `${prefix}.norm1`,
      EPSILON,
      weights,
    );
    const projections = layer === 0 ? first : imageProjections(cells, position, layer, weights);
    const seen = tokenToImage(
      add(tokens, initial),
      projections,
      `${prefix}.cross_attn_token_to_image`,
      weights,
    );
    tokens = norm(add(tokens, seen), `${prefix}.norm2`, EPSILON, weights);
    const width = Number(tokens.shape[2]);
    const expanded = mlpModule(tokens, `${prefix}.mlp`, [MLP_WIDTH, width], weights);
    tokens = norm(add(tokens, expanded), `${prefix}.norm3`, EPSILON, weights);
    const told = imageToToken(
      projections.query,
      add(tokens, initial),
      tokens,
      `${prefix}.cross_attn_image_to_token`,
      bias,
      weights,
    );
    cells = norm(add(cells, told), `${prefix}.norm4`, EPSILON, weights);
  }
  const final = `${TRANSFORMER}.final_attn_token_to_image`;
  const last = tokenToImage(
    add(tokens, initial),
    imageKeyValue(cells, position, final, weights),
    final,
    weights,
  );
  return {
    tokens: norm(add(tokens, last), `${TRANSFORMER}.norm_final_attn`, EPSILON, weights),
    image: cells,
  };
}

/** [n, m, c] → [n, m, heads, c / heads] */
function heads(x: Value): Value {
  return reshape(x, [...x.shape.slice(0, 2), HEADS, Number(x.shape[2]) / HEADS]);
}

/** [n, m, c] → [n, heads, m, c / heads] */
function split(x: Value): Value {
  return transpose(heads(x), [0, 2, 1, 3]);
}

/** [n, heads, m, c / heads] → [n, m, c] */
function joined(x: Value): Value {
  const [batch, , count, width] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, count, HEADS * Number(width)]);
}

/** Times c^−½, c the width of a head; applied to the tokens' side, which is small. */
function scaled(x: Value): Value {
  return mul(x, x.graph.scalar((Number(x.shape[2]) / HEADS) ** -0.5));
}

function selfAttention(
  placedTokens: Value,
  tokens: Value,
  name: string,
  bias: Value,
  weights: WeightView,
): Value {
  const width = Number(tokens.shape[2]);
  const query = split(scaled(linear(placedTokens, `${name}.q_proj`, width, weights)));
  const key = transpose(heads(linear(placedTokens, `${name}.k_proj`, width, weights)), [0, 2, 3, 1]);
  const value = split(linear(tokens, `${name}.v_proj`, width, weights));
  const attention = softmax(add(matMul(query, key), bias));
  return linear(joined(matMul(attention, value)), `${name}.out_proj`, width, weights);
}

function tokenToImage(
  tokens: Value,
  image: { readonly key: Value; readonly value: Value },
  name: string,
  weights: WeightView,
): Value {
  const query = split(scaled(linear(tokens, `${name}.q_proj`, crossWidth(tokens), weights)));
  const attention = softmax(matMul(query, image.key));
  return linear(joined(matMul(attention, image.value)), `${name}.out_proj`, Number(tokens.shape[2]), weights);
}

function imageToToken(
  query: Value,
  placedTokens: Value,
  tokens: Value,
  name: string,
  bias: Value,
  weights: WeightView,
): Value {
  const width = crossWidth(tokens);
  const key = transpose(heads(scaled(linear(placedTokens, `${name}.k_proj`, width, weights))), [0, 2, 3, 1]);
  const value = split(linear(tokens, `${name}.v_proj`, width, weights));
  const attention = softmax(add(matMul(query, key), bias));
  return linear(joined(matMul(attention, value)), `${name}.out_proj`, 2 * width, weights);
}
