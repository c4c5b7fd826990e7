import { Graph } from "../../../graph/index.js";
import { mlpModule } from "../../layers/modules.js";
import type { WeightView } from "../../layers/weight-view.js";
import type { MemorySource, VideoModel } from "../../video-model.js";
import type { ModelConfig } from "../config.js";
import { type GranularityTokens, maskDecoder } from "../mask-decoder.js";
import { memoryAttention } from "./attention.js";
import { type MemoryConfig, memoryConfig } from "./config.js";
import { memoryEncoder } from "./encoder.js";

/**
 * The part of a SAM 2 that only videos need. `weights`: a view of its own, which is checked here. Reads no tensor.
 * `given`: the user's configuration. Throws `E_UNSUPPORTED`, `E_BAD_CONFIG`, `E_BAD_CHECKPOINT`.
 */
export function videoModel(
  config: ModelConfig,
  given: unknown,
  weights: WeightView,
  granularity: GranularityTokens | null,
): VideoModel {
  const memory = memoryConfig(config, given, weights);
  const { width, memoryWidth, memoryFrames } = memory;
  const noMemory = weights.tensor("no_mem_embed", [1, 1, width]);
  const memoryTimes = weights.tensor("maskmem_tpos_enc", [memoryFrames, 1, 1, memoryWidth]);
  const noPointer = weights.tensor("no_obj_ptr", [1, width]);
  const maskWeight = weights.tensor("mask_downsample.weight", [1, 1, 4, 4]);
  const maskBias = weights.tensor("mask_downsample.bias", [1]);
  const pointerTime = memory.pointerTimes && {
    weight: weights.tensor("obj_ptr_tpos_proj.weight", [memoryWidth, width]),
    bias: weights.tensor("obj_ptr_tpos_proj.bias", [memoryWidth]),
  };
  const model: VideoModel = {
    rules: memory,
    memoryAttention: memoryAttention(memory, weights),
    memoryEncoder: memoryEncoder(memory, weights),
    memorySource: memorySource(memory, weights),
    objectPointer: objectPointer(memory, weights),
    maskDecoder: maskDecoder(config, weights, { granularity, maskTokens: true }),
    tensors: async () => ({
      noMemory: await noMemory.load(),
      memoryTimes: await memoryTimes.load(),
      noPointer: await noPointer.load(),
      pointerTime: pointerTime
        ? { weight: await pointerTime.weight.load(), bias: await pointerTime.bias.load() }
        : null,
      maskDownsample: { weight: await maskWeight.load(), bias: (await maskBias.load())[0] },
    }),
  };
  weights.check();
  return model;
}

const MEMORY_TENSORS = /^(memory_attention\.|memory_encoder\.|no_obj_embed_spatial$)/;

/** What the graphs of memory attention and memory encoder have asked `weights` for, for kernels of our own. */
function memorySource(config: MemoryConfig, weights: WeightView): MemorySource {
  const { imageSize, width, memoryWidth, attentionLayers, feedForward, ropeTheta } = config;
  const { fuserLayers, fuserHidden, absentEmbedding } = config;
  return {
    plan: {
      imageSize,
      width,
      memoryWidth,
      attentionLayers,
      feedForward,
      ropeTheta,
      fuserLayers,
      fuserHidden,
      absentEmbedding,
    },
    names: () => [...weights.required.keys()].filter((name) => MEMORY_TENSORS.test(name)),
    read: (name) => weights.read(name),
  };
}

function objectPointer({ width }: MemoryConfig, weights: WeightView): Graph {
  const graph = new Graph("object_pointer");
  const token = graph.input("token", "float32", [1, width]);
  graph.output("pointer", mlpModule(token, "obj_ptr_proj", [width, width, width], weights));
  return graph;
}
