import type { NativeMemoryFeed, NativeMemoryPlan } from "./memory-binding.js";
import type { NativeTensor, NativeWeights } from "./native-weights.js";
import { randomNumbers, randomTensor } from "./random-tensor.js";

/** A memory small enough to be tried out, of widths that are no multiples of a vector. */
export const SYNTHETIC_MEMORY: NativeMemoryPlan = {
  imageSize: 48,
  width: 20,
  memoryWidth: 12,
  attentionLayers: 1,
  feedForward: 25,
  ropeTheta: 10000,
  fuserLayers: 1,
  fuserHidden: 30,
  absentEmbedding: true,
};

/** The same numbers for the same seed. */
export function syntheticMemoryWeights(
  { width: d, memoryWidth: m, attentionLayers, feedForward, fuserLayers, fuserHidden }: NativeMemoryPlan,
  seed = 4,
): NativeWeights {
  const random = randomNumbers(seed);
  const all: Record<string, NativeTensor> = {};
  const set = (name: string, ...shape: number[]) => {
    all[name] = randomTensor(name, shape, random);
  };
  const layer = (name: string, ...shape: number[]) => {
    set(`${name}.weight`, ...shape);
    set(`${name}.bias`, shape[0]);
  };
  for (let i = 0; i < attentionLayers; i++) {
    const name = `memory_attention.layers.${i}`;
    for (const [attention, inputs] of [
      ["self_attn", d],
      ["cross_attn_image", m],
    ] as const) {
      layer(`${name}.${attention}.q_proj`, d, d);
      layer(`${name}.${attention}.k_proj`, d, inputs);
      layer(`${name}.${attention}.v_proj`, d, inputs);
      layer(`${name}.${attention}.out_proj`, d, d);
    }
    layer(`${name}.linear1`, feedForward, d);
    layer(`${name}.linear2`, d, feedForward);
    for (const norm of ["norm1", "norm2", "norm3"]) layer(`${name}.${norm}`, d);
  }
  layer("memory_attention.norm", d);
  const sampler = "memory_encoder.mask_downsampler.encoder";
  const channels = [1, 4, 16, 64, d];
  for (let i = 0; i < 4; i++) {
    layer(`${sampler}.${3 * i}`, channels[i + 1], channels[i], 3, 3);
    layer(`${sampler}.${3 * i + 1}`, channels[i + 1]);
  }
  layer(`${sampler}.12`, d, d, 1, 1);
  layer("memory_encoder.pix_feat_proj", d, d, 1, 1);
  for (let i = 0; i < fuserLayers; i++) {
    const name = `memory_encoder.fuser.layers.${i}`;
    layer(`${name}.dwconv`, d, 1, 7, 7);
    layer(`${name}.norm`, d);
    layer(`${name}.pwconv1`, fuserHidden, d);
    layer(`${name}.pwconv2`, d, fuserHidden);
    set(`${name}.gamma`, d);
  }
  layer("memory_encoder.out_proj", m, d, 1, 1);
  set("no_obj_embed_spatial", 1, m);
  return all;
}

/** What a frame reads. */
export function syntheticMemoryFeed(
  { imageSize, memoryWidth: m }: NativeMemoryPlan,
  frames: number,
  tokens: number,
): NativeMemoryFeed {
  const random = randomNumbers(5);
  const numbers = (length: number) => Float32Array.from({ length }, random);
  return {
    memory: numbers(frames * (imageSize / 16) ** 2 * m),
    times: numbers(frames * m),
    pointers: numbers(tokens * m),
    pointerTimes: numbers(tokens * m),
  };
}
