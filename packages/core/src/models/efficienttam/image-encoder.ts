import {
  add,
  conv,
  Graph,
  gelu,
  gemm,
  multiHeadAttention,
  reshape,
  transpose,
  type Value,
} from "../../graph/index.js";
import { permuted, reshaped, rows } from "../layers/derived-tensor.js";
import { norm, planes } from "../layers/modules.js";
import { positionEmbedding } from "../layers/position-embedding.js";
import type { WeightView } from "../layers/weight-view.js";
import { joinWindows, splitWindows } from "../layers/windows.js";
import { addNoMemory } from "../sam2/no-memory.js";
import type { EfficientTamConfig } from "./config.js";

const TRUNK = "image_encoder.trunk";
const NECK = "image_encoder.neck.convs.0";
const PATCH = 16;
/** Side of the map that the positions were trained on: 224 pixels in patches of 16. */
const TRAINED_SIDE = 14;
const EPSILON = 1e-6;

/**
 * The image encoder of EfficientTAM (Xiong et al. 2024, section 3): a plain vision transformer with windowed and global
 * blocks, and a neck of two convolutions. `pixel_values` [1, 3, S, S], normalised, to `image_embed` [1, d, s, s],
 * s = S / 16. `stages` adds as outputs `patch_embed` [s², c], `block_0` … [s², c], and `neck_norm_0` [s², d].
 */
export function imageEncoder(
  config: EfficientTamConfig,
  weights: WeightView,
  { stages = false }: { readonly stages?: boolean } = {},
): Graph {
  const graph = new Graph("image_encoder");
  const { trunk, imageSize } = config;
  const side = imageSize / PATCH;
  const pixels = graph.input("pixel_values", "float32", [1, 3, imageSize, imageSize]);
  const patches = patchEmbedding(pixels, trunk.embedDim, side, weights);
  let tokens = add(patches, graph.weight(positions(trunk.embedDim, side, weights)));
  const blocks: Value[] = [];
  for (let index = 0; index < trunk.depth; index++) {
    tokens = block(tokens, index, side, config, weights);
    blocks.push(tokens);
  }
  const { first, last } = neck(tokens, side, config.neck.width, weights);
  graph.output("image_embed", planes(config.addNoMemoryEmbedding ? addNoMemory(last, weights) : last, side));
  if (stages) {
    graph.output("patch_embed", patches);
    blocks.forEach((output, index) => {
      graph.output(`block_${index}`, output);
    });
    graph.output("neck_norm_0", first);
  }
  return graph;
}

/** pixels [1, 3, S, S] → tokens [s², c] */
function patchEmbedding(pixels: Value, width: number, side: number, weights: WeightView): Value {
  const patches = conv(
    pixels,
    pixels.graph.weight(weights.tensor(`${TRUNK}.patch_embed.proj.weight`, [width, 3, PATCH, PATCH])),
    pixels.graph.weight(weights.tensor(`${TRUNK}.patch_embed.proj.bias`, [width])),
    { stride: [PATCH, PATCH], padding: [0, 0] },
  );
  return transpose(reshape(patches, [width, side * side]), [1, 0]);
}

/** Position 0 is the class token of the pretraining, which has no place in the map. */
function positions(width: number, side: number, weights: WeightView) {
  const cells = TRAINED_SIDE ** 2;
  const all = reshaped(weights.tensor(`${TRUNK}.pos_embed`, [1, cells + 1, width]), [cells + 1, width]);
  const map = reshaped(permuted(rows(all, 1, cells + 1), [1, 0]), [1, width, TRAINED_SIDE, TRAINED_SIDE]);
  return positionEmbedding(map, null, side);
}

function block(
  tokens: Value,
  index: number,
  side: number,
  { trunk }: EfficientTamConfig,
  weights: WeightView,
): Value {
  const prefix = `${TRUNK}.blocks.${index}`;
  const width = trunk.embedDim;
  const hidden = Math.trunc(width * trunk.mlpRatio);
  const windowed = trunk.windowedBlocks.includes(index);
  const attended = attention(norm(tokens, `${prefix}.norm1`, EPSILON, weights), {
    prefix: `${prefix}.attn`,
    side,
    window: windowed ? trunk.window : 0,
    heads: trunk.heads,
    weights,
  });
  const merged = add(tokens, affine(attended, `${prefix}.attn.proj`, width, weights));
  const normed = norm(merged, `${prefix}.norm2`, EPSILON, weights);
  const expanded = gelu(affine(normed, `${prefix}.mlp.layers.0`, hidden, weights));
  return add(merged, affine(expanded, `${prefix}.mlp.layers.1`, width, weights));
}

interface AttentionPlan {
  readonly prefix: string;
  readonly side: number;
  /** Window side in tokens; 0: the whole map. */
  readonly window: number;
  readonly heads: number;
  readonly weights: WeightView;
}

/** Multi-head attention within windows of tokens [s², c]; before the output projection. */
function attention(normed: Value, { prefix, side, window, heads, weights }: AttentionPlan): Value {
  const g = normed.graph;
  const width = Number(normed.shape[1]);
  const combined = weights.tensor(`${prefix}.qkv.weight`, [3 * width, width]);
  // Biases come after the padding: a padded place takes part, and its query, key and value are the bias.
  const [query, key, value] = [0, 1, 2].map((part) => {
    const projection = g.weight(rows(combined, part * width, (part + 1) * width));
    const windows = splitWindows(gemm(normed, projection, null), side, window);
    const [count, height, across] = windows.shape.map(Number);
    return reshape(windows, [count, height * across, width]);
  });
  const bias = g.weight(weights.tensor(`${prefix}.qkv.bias`, [3 * width]));
  return joinWindows(multiHeadAttention(query, key, value, bias, heads), window || side, side);
}

/** tokens [s², c] → [s², d] after the first and the last norm. */
function neck(tokens: Value, side: number, width: number, weights: WeightView) {
  const g = tokens.graph;
  const from = Number(tokens.shape[1]);
  const pointwise = reshaped(weights.tensor(`${NECK}.conv_1x1.weight`, [width, from, 1, 1]), [width, from]);
  const first = norm(gemm(tokens, g.weight(pointwise), null), `${NECK}.norm_0`, EPSILON, weights);
  const kernel = g.weight(weights.tensor(`${NECK}.conv_3x3.weight`, [width, width, 3, 3]));
  const none = g.constant(new Float32Array(width), [width]);
  const mixed = conv(planes(first, side), kernel, none, { stride: [1, 1], padding: [1, 1] });
  const rowsOfMap = transpose(reshape(mixed, [width, side * side]), [1, 0]);
  return { first, last: norm(rowsOfMap, `${NECK}.norm_1`, EPSILON, weights) };
}

/** x [n, in] · Wᵀ + b → [n, out] */
function affine(x: Value, name: string, outputs: number, weights: WeightView): Value {
  const weight = weights.tensor(`${name}.weight`, [outputs, Number(x.shape[1])]);
  return gemm(x, x.graph.weight(weight), x.graph.weight(weights.tensor(`${name}.bias`, [outputs])));
}
