import {
  add,
  castToFloat,
  concat,
  conv,
  cos,
  div,
  Graph,
  gatherRows,
  gelu,
  type LazyTensor,
  matMul,
  min,
  mul,
  reshape,
  sin,
  sub,
  transpose,
  type Value,
} from "../../graph/index.js";
import { stacked } from "../layers/derived-tensor.js";
import { norm } from "../layers/modules.js";
import type { WeightView } from "../layers/weight-view.js";
import type { DecoderConfig } from "../network-model.js";

const ENCODER = "sam_prompt_encoder";
const CHANNEL_NORM_EPS = 1e-6;
/** Channels of the mask prompt after each of its two strided convolutions. */
const MASK_CHANNELS = [4, 16] as const;

/**
 * Prompt tokens of points (SAM, section A): random Fourier features of the position plus what the label means.
 * coords [batch, points, 2] in pixels of the S frame, labels [batch, points] → [batch, points, d]
 */
export function pointTokens(coords: Value, labels: Value, config: DecoderConfig, weights: WeightView): Value {
  const g = coords.graph;
  const width = config.neck.width;
  // Centres of pixels, then the frame as [−1, 1].
  const unit = div(add(coords, g.scalar(0.5)), g.scalar(config.imageSize));
  const centred = sub(mul(unit, g.scalar(2)), g.scalar(1));
  const phase = mul(matMul(centred, g.weight(gaussian(config, weights))), g.scalar(2 * Math.PI));
  const position = concat([sin(phase), cos(phase)], 2);
  // An ignored point has no position: 0 for label −1, 1 for the others.
  const placed = min(add(castToFloat(labels), g.scalar(1)), g.scalar(1));
  const [batch, points] = labels.shape;
  const kinds = [0, 1, 2, 3].map((label) =>
    weights.tensor(`${ENCODER}.point_embeddings.${label}.weight`, [1, width]),
  );
  // Last, so that the index −1 finds it.
  const ignored = weights.tensor(`${ENCODER}.not_a_point_embed.weight`, [1, width]);
  const table = g.weight(stacked(`${ENCODER}.labels`, [...kinds, ignored]));
  return add(mul(position, reshape(placed, [batch, points, 1])), gatherRows(table, labels));
}

/** Row 0 belongs to x. */
function gaussian(config: DecoderConfig, weights: WeightView): LazyTensor {
  const name = `${ENCODER}.pe_layer.positional_encoding_gaussian_matrix`;
  return weights.tensor(name, [2, config.neck.width / 2]);
}

/** Position encoding of the image grid, [s · s, d], at the centres of its cells. */
export function gridEncoding(config: DecoderConfig, weights: WeightView): LazyTensor {
  const side = config.imageSize / 16;
  const half = config.neck.width / 2;
  const matrix = gaussian(config, weights);
  return {
    name: `${ENCODER}.grid_encoding`,
    shape: [side * side, 2 * half],
    load: async () => {
      const values = await matrix.load();
      const result = new Float32Array(side * side * 2 * half);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const [u, v] = [(2 * (x + 0.5)) / side - 1, (2 * (y + 0.5)) / side - 1];
          const row = (y * side + x) * 2 * half;
          for (let i = 0; i < half; i++) {
            const phase = 2 * Math.PI * (u * values[i] + v * values[half + i]);
            result[row + i] = Math.sin(phase);
            result[row + half + i] = Math.cos(phase);
          }
        }
      }
      return result;
    },
  };
}

/** What stands for a mask prompt where there is none, [1, d]. */
export function noMaskEmbedding(config: DecoderConfig, weights: WeightView): LazyTensor {
  return weights.tensor(`${ENCODER}.no_mask_embed.weight`, [1, config.neck.width]);
}

/**
 * The mask prompt (SAM, section A): logits `mask_input` [masks, 1, 4s, 4s] to `dense_embedding` [masks, d, s, s], which
 * is added to the image embedding.
 */
export function maskPromptEncoder(config: DecoderConfig, weights: WeightView): Graph {
  const graph = new Graph("mask_prompt_encoder");
  const side = config.imageSize / 4;
  const convolution = (x: Value, position: number, channels: number, kernel: number): Value => {
    const name = `${ENCODER}.mask_downscaling.${position}`;
    const shape = [channels, Number(x.shape[1]), kernel, kernel];
    const weight = graph.weight(weights.tensor(`${name}.weight`, shape));
    const bias = graph.weight(weights.tensor(`${name}.bias`, [channels]));
    return conv(x, weight, bias, { stride: [kernel, kernel], padding: [0, 0] });
  };
  const normed = (x: Value, position: number): Value => {
    const last = norm(
      transpose(x, [0, 2, 3, 1]),
      `${ENCODER}.mask_downscaling.${position}`,
      CHANNEL_NORM_EPS,
      weights,
    );
    return gelu(transpose(last, [0, 3, 1, 2]));
  };
  let x = graph.input("mask_input", "float32", ["masks", 1, side, side]);
  x = normed(convolution(x, 0, MASK_CHANNELS[0], 2), 1);
  x = normed(convolution(x, 3, MASK_CHANNELS[1], 2), 4);
  graph.output("dense_embedding", convolution(x, 6, config.neck.width, 1));
  return graph;
}
