import type { WeightView } from "../../layers/weight-view.js";
import type { LinearTensors, MemorySource, VideoModel } from "../../video-model.js";
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
  const pointer = [0, 1, 2].map((i) => linear(`obj_ptr_proj.layers.${i}`, width, width, weights));
  const pointerTime = memory.pointerTimes && linear("obj_ptr_tpos_proj", memoryWidth, width, weights);
  const model: VideoModel = {
    rules: memory,
    memoryAttention: memoryAttention(memory, weights),
    memoryEncoder: memoryEncoder(memory, weights),
    memorySource: memorySource(memory, weights),
    maskDecoder: maskDecoder(config, weights, { granularity, maskTokens: true }),
    tensors: async () => ({
      noMemory: await noMemory.load(),
      memoryTimes: await memoryTimes.load(),
      noPointer: await noPointer.load(),
      pointer: await Promise.all(pointer.map((layer) => layer())),
      pointerTime: pointerTime ? await pointerTime() : null,
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

/** A linear layer that is read when it is asked for. */
function linear(
  name: string,
  outputs: number,
  inputs: number,
  weights: WeightView,
): () => Promise<LinearTensors> {
  const weight = weights.tensor(`${name}.weight`, [outputs, inputs]);
  const bias = weights.tensor(`${name}.bias`, [outputs]);
  return async () => ({ weight: await weight.load(), bias: await bias.load() });
}
