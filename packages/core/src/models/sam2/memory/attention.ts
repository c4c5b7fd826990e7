import {
  add,
  concat,
  Graph,
  mul,
  multiHeadAttention,
  relu,
  reshape,
  transpose,
  type Value,
} from "../../../graph/index.js";
import { linear, norm, planes } from "../../layers/modules.js";
import { sinePosition } from "../../layers/sine-position.js";
import type { WeightView } from "../../layers/weight-view.js";
import type { MemoryConfig } from "./config.js";
import { type RotaryTables, rotaryTables, rotated, sortedLinear } from "./rotary.js";

const EPSILON = 1e-5;
/** How much of the position encoding enters with the frame's features. */
const POSITION_SHARE = 0.1;

/**
 * Memory attention (SAM 2, section 4): what the frame's features become in the light of memories. s = S / 16, n = s².
 * `features` [1, d, s, s], without `no_mem_embed`; `memory` [frames, n, m] and `memory_time` [frames, 1, m], the row of
 * `maskmem_tpos_enc`; `pointers` [tokens, m], object pointers cut into tokens, and `pointer_time` [tokens, m].
 * To `conditioned` [1, d, s, s]. `stages` adds `layer{i}.after_self`, `.after_cross` and `.out`, [n, d].
 */
export function memoryAttention(
  config: MemoryConfig,
  weights: WeightView,
  { stages = false }: { readonly stages?: boolean } = {},
): Graph {
  const graph = new Graph("memory_attention");
  const { width, memoryWidth } = config;
  const side = config.imageSize / 16;
  const cells = side * side;
  const features = graph.input("features", "float32", [1, width, side, side]);
  const memory = graph.input("memory", "float32", ["frames", cells, memoryWidth]);
  const memoryTime = graph.input("memory_time", "float32", ["frames", 1, memoryWidth]);
  const pointers = graph.input("pointers", "float32", ["tokens", memoryWidth]);
  const pointerTime = graph.input("pointer_time", "float32", ["tokens", memoryWidth]);

  const tables = rotaryTables(graph, side, width, config.ropeTheta);
  const place = add(graph.weight(sinePosition(side, memoryWidth)), memoryTime);
  const remembered: Remembered = {
    memory,
    placedMemory: add(memory, place),
    pointers,
    placedPointers: add(pointers, pointerTime),
  };
  const position = mul(graph.weight(sinePosition(side, width)), graph.scalar(POSITION_SHARE));
  let x = add(transpose(reshape(features, [width, cells]), [1, 0]), position);
  for (let index = 0; index < config.attentionLayers; index++) {
    const name = `memory_attention.layers.${index}`;
    x = add(x, selfAttention(norm(x, `${name}.norm1`, EPSILON, weights), name, tables, weights));
    if (stages) graph.output(`layer${index}.after_self`, x);
    x = add(x, crossAttention(norm(x, `${name}.norm2`, EPSILON, weights), remembered, name, tables, weights));
    if (stages) graph.output(`layer${index}.after_cross`, x);
    const hidden = linear(
      norm(x, `${name}.norm3`, EPSILON, weights),
      `${name}.linear1`,
      config.feedForward,
      weights,
    );
    x = add(x, linear(relu(hidden), `${name}.linear2`, width, weights));
    if (stages) graph.output(`layer${index}.out`, x);
  }
  graph.output("conditioned", planes(norm(x, "memory_attention.norm", EPSILON, weights), side));
  return graph;
}

/** What a frame attends to. Positions are part of the keys, never of the values. */
interface Remembered {
  readonly memory: Value;
  readonly placedMemory: Value;
  readonly pointers: Value;
  readonly placedPointers: Value;
}

function selfAttention(x: Value, layer: string, tables: RotaryTables, weights: WeightView): Value {
  const name = `${layer}.self_attn`;
  const width = Number(x.shape[1]);
  const query = rotated(sortedLinear(x, `${name}.q_proj`, width, weights), tables);
  const key = rotated(sortedLinear(x, `${name}.k_proj`, width, weights), tables);
  return attend(query, key, linear(x, `${name}.v_proj`, width, weights), name, weights);
}

function crossAttention(
  x: Value,
  { memory, placedMemory, pointers, placedPointers }: Remembered,
  layer: string,
  tables: RotaryTables,
  weights: WeightView,
): Value {
  const name = `${layer}.cross_attn_image`;
  const width = Number(x.shape[1]);
  const query = rotated(sortedLinear(x, `${name}.q_proj`, width, weights), tables);
  // Object pointers have no place, so they are not rotated.
  const key = joined(
    rotated(sortedLinear(placedMemory, `${name}.k_proj`, width, weights), tables),
    sortedLinear(placedPointers, `${name}.k_proj`, width, weights),
  );
  const value = joined(
    linear(memory, `${name}.v_proj`, width, weights),
    linear(pointers, `${name}.v_proj`, width, weights),
  );
  return attend(query, key, value, name, weights);
}

/** Tokens of all memory frames [frames, n, d], then those of the pointers [tokens, d]. */
function joined(frames: Value, pointers: Value): Value {
  return concat([reshape(frames, ["cells", frames.shape[2]]), pointers], 0);
}

/** One head. query [n, d], key and value [keys, d] → [n, d] */
function attend(query: Value, key: Value, value: Value, name: string, weights: WeightView): Value {
  const width = Number(query.shape[1]);
  const one = (x: Value): Value => reshape(x, [1, ...x.shape]);
  const seen = multiHeadAttention(one(query), one(key), one(value), null, 1);
  return linear(reshape(seen, query.shape), `${name}.out_proj`, width, weights);
}
