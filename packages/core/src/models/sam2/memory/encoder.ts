import { add, conv, Graph, gelu, mul, reshape, transpose, type Value } from "../../../graph/index.js";
import { reshaped } from "../../layers/derived-tensor.js";
import { linear, norm } from "../../layers/modules.js";
import type { WeightView } from "../../layers/weight-view.js";
import type { MemoryConfig } from "./config.js";

const ENCODER = "memory_encoder";
const EPSILON = 1e-6;
/** Channels of the mask after each of its strided convolutions; the last has those of the features. */
const MASK_CHANNELS = [4, 16, 64] as const;

/**
 * The memory encoder (SAM 2, section 4): what is remembered of a frame. `features` [1, d, s, s], without `no_mem_embed`;
 * `mask` [1, 1, S, S], already scaled and shifted; `absent` [1, 1], 1 where the object is not there, else 0.
 * To `memory` [s², m], not yet rounded. `stages` adds `mask_embed`, `pix_proj`, `fuser_0`, … as maps [1, d, s, s] and `out`
 * [s², m], the memory before `absent`.
 */
export function memoryEncoder(
  config: MemoryConfig,
  weights: WeightView,
  { stages = false }: { readonly stages?: boolean } = {},
): Graph {
  const graph = new Graph("memory_encoder");
  const { width, memoryWidth, imageSize } = config;
  const side = imageSize / 16;
  const features = graph.input("features", "float32", [1, width, side, side]);
  const mask = graph.input("mask", "float32", [1, 1, imageSize, imageSize]);
  const absent = graph.input("absent", "float32", [1, 1]);

  const embedded = downsampledMask(mask, width, weights);
  const projected = convolution(features, `${ENCODER}.pix_feat_proj`, width, { kernel: 1 }, weights);
  if (stages) graph.output("mask_embed", embedded);
  if (stages) graph.output("pix_proj", projected);
  let x = add(projected, embedded);
  for (let index = 0; index < config.fuserLayers; index++) {
    x = add(x, fuserBlock(x, `${ENCODER}.fuser.layers.${index}`, config.fuserHidden, weights));
    if (stages) graph.output(`fuser_${index}`, x);
  }
  const out = convolution(x, `${ENCODER}.out_proj`, memoryWidth, { kernel: 1 }, weights);
  const tokens = transpose(reshape(out, [memoryWidth, side * side]), [1, 0]);
  if (stages) graph.output("out", tokens);
  graph.output("memory", withAbsence(tokens, absent, config, weights));
  return graph;
}

/** [1, 1, S, S] → [1, d, S / 16, S / 16] */
function downsampledMask(mask: Value, width: number, weights: WeightView): Value {
  const name = `${ENCODER}.mask_downsampler.encoder`;
  let x = mask;
  [...MASK_CHANNELS, width].forEach((channels, index) => {
    const strided = { kernel: 3, stride: 2, padding: 1 };
    x = convolution(x, `${name}.${3 * index}`, channels, strided, weights);
    x = channelsFirst(gelu(norm(channelsLast(x), `${name}.${3 * index + 1}`, EPSILON, weights)));
  });
  return convolution(x, `${name}.${3 * (MASK_CHANNELS.length + 1)}`, width, { kernel: 1 }, weights);
}

/** A block of ConvNeXt (Liu et al. 2022) without its residual. x [1, d, s, s] */
function fuserBlock(x: Value, name: string, hidden: number, weights: WeightView): Value {
  const width = Number(x.shape[1]);
  const depthwise = { kernel: 7, padding: 3, groups: width };
  const mixed = channelsLast(convolution(x, `${name}.dwconv`, width, depthwise, weights));
  const expanded = linear(norm(mixed, `${name}.norm`, EPSILON, weights), `${name}.pwconv1`, hidden, weights);
  const block = linear(gelu(expanded), `${name}.pwconv2`, width, weights);
  return channelsFirst(mul(block, x.graph.weight(weights.tensor(`${name}.gamma`, [width]))));
}

function withAbsence(tokens: Value, absent: Value, config: MemoryConfig, weights: WeightView): Value {
  if (!config.absentEmbedding) return tokens;
  const own = weights.tensor("no_obj_embed_spatial", [1, config.memoryWidth]);
  return add(tokens, mul(absent, tokens.graph.weight(reshaped(own, [1, config.memoryWidth]))));
}

function convolution(
  x: Value,
  name: string,
  channels: number,
  {
    kernel,
    stride = 1,
    padding = 0,
    groups = 1,
  }: {
    readonly kernel: number;
    readonly stride?: number;
    readonly padding?: number;
    readonly groups?: number;
  },
  weights: WeightView,
): Value {
  const shape = [channels, Number(x.shape[1]) / groups, kernel, kernel];
  const weight = x.graph.weight(weights.tensor(`${name}.weight`, shape));
  const bias = x.graph.weight(weights.tensor(`${name}.bias`, [channels]));
  return conv(x, weight, bias, { stride: [stride, stride], padding: [padding, padding], groups });
}

const channelsLast = (x: Value): Value => transpose(x, [0, 2, 3, 1]);
const channelsFirst = (x: Value): Value => transpose(x, [0, 3, 1, 2]);
