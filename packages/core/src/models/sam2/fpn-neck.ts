import { add, expand, gemm, type LazyTensor, mul, reshape, type Value } from "../../graph/index.js";
import { composed, reshaped } from "../layers/derived-tensor.js";
import { planes } from "../layers/modules.js";
import type { WeightView } from "../layers/weight-view.js";
import type { ModelConfig } from "./config.js";
import type { TokenMap } from "./hiera.js";
import { addNoMemory } from "./no-memory.js";

interface Linear {
  readonly weight: LazyTensor;
  readonly bias: LazyTensor;
}

export interface NeckOutput {
  /** [1, d, s, s], stride 16, `no_mem_embed` added where the model does so. */
  readonly imageEmbed: Value;
  /** [1, d / 8, 4s, 4s] after `conv_s0`. */
  readonly highRes0: Value;
  /** [1, d / 4, 2s, 2s] after `conv_s1`. */
  readonly highRes1: Value;
}

/**
 * The feature pyramid (Lin et al. 2017, as in SAM 2): a 1 × 1 lateral per level, the coarser level added at doubled size
 * to the levels that ask for it. Two linear maps in a row (`conv_s0`, `conv_s1` after their lateral) are one here.
 */
export function fpnNeck(levels: readonly TokenMap[], config: ModelConfig, weights: WeightView): NeckOutput {
  const { width } = config.neck;
  const lateral = levels.map((level, index) => lateralWeights(index, level.width, config, weights));
  const linear = (x: Value, { weight, bias }: Linear): Value =>
    gemm(x, x.graph.weight(weight), x.graph.weight(bias));
  const isFused = (index: number): boolean => index < 3 && config.neck.topDownLevels.includes(index);

  /** A level of the pyramid; only what is asked for is computed. */
  const pyramid = (index: number): Value => {
    const own = linear(levels[index].tokens, lateral[index]);
    if (!isFused(index)) return own;
    const sum = add(own, doubled(pyramid(index + 1), levels[index + 1].side));
    return config.neck.fuse === "avg" ? mul(sum, sum.graph.scalar(0.5)) : sum;
  };
  const highRes = (index: 0 | 1, channels: number): Value => {
    const convolution: Linear = {
      weight: pointwise(weights, `sam_mask_decoder.conv_s${index}`, channels, width),
      bias: weights.tensor(`sam_mask_decoder.conv_s${index}.bias`, [channels]),
    };
    const merged = !isFused(index)
      ? linear(levels[index].tokens, composed(`conv_s${index}.after_lateral`, lateral[index], convolution))
      : linear(pyramid(index), convolution);
    return planes(merged, levels[index].side);
  };

  return {
    imageEmbed: planes(
      config.addNoMemoryEmbedding ? addNoMemory(pyramid(2), weights) : pyramid(2),
      levels[2].side,
    ),
    highRes0: highRes(0, width / 8),
    highRes1: highRes(1, width / 4),
  };
}

/** Convolution number 0 belongs to the coarsest level. */
function lateralWeights(level: number, channels: number, config: ModelConfig, weights: WeightView): Linear {
  const name = `image_encoder.neck.convs.${3 - level}.conv`;
  return {
    weight: pointwise(weights, name, config.neck.width, channels),
    bias: weights.tensor(`${name}.bias`, [config.neck.width]),
  };
}

/** The weight of a 1 × 1 convolution as a matrix [out, in]. */
function pointwise(weights: WeightView, name: string, to: number, from: number): LazyTensor {
  return reshaped(weights.tensor(`${name}.weight`, [to, from, 1, 1]), [to, from]);
}

/** Nearest neighbour at twice the side, [side², c] → [4 side², c]. */
function doubled(tokens: Value, side: number): Value {
  const width = tokens.shape[1];
  const cells = reshape(tokens, [side, 1, side, 1, width]);
  return reshape(expand(cells, [side, 2, side, 2, width]), [4 * side * side, width]);
}
