import {
  add,
  concat,
  Graph,
  gelu,
  layerNormalization,
  matMul,
  repeatLike,
  reshape,
  sigmoid,
  slice,
  transpose,
  type Value,
} from "../../graph/index.js";
import { permuted, reshaped, stacked } from "../layers/derived-tensor.js";
import { linear, mlpModule } from "../layers/modules.js";
import type { WeightView } from "../layers/weight-view.js";
import type { DecoderConfig } from "../network-model.js";
import { gridEncoding, pointTokens } from "./prompt-encoder.js";
import { imageProjections, twoWayTransformer } from "./two-way-transformer.js";

const DECODER = "sam_mask_decoder";
const MASKS = 4;
const CHANNEL_NORM_EPS = 1e-6;

/**
 * The decoder's view of an image embedding, which does not depend on the points: computed once per image, or once per
 * mask prompt. `image_embed` [1, d, s, s] and `dense_prompt` [masks, d, s, s] to `image_tokens` [masks, s², d] and
 * `key`, `value`, `query`: layer 0's projections of them.
 */
export function decoderImageTokens(config: DecoderConfig, weights: WeightView): Graph {
  const graph = new Graph("mask_decoder_image_tokens");
  const width = config.neck.width;
  const side = config.imageSize / 16;
  const embed = graph.input("image_embed", "float32", [1, width, side, side]);
  const dense = graph.input("dense_prompt", "float32", ["masks", width, side, side]);
  const planes = reshape(add(embed, dense), ["masks", width, side * side]);
  const tokens = transpose(planes, [0, 2, 1]);
  const first = imageProjections(tokens, gridEncoding(config, weights), 0, weights);
  graph.output("image_tokens", tokens);
  graph.output("key", first.key);
  graph.output("value", first.value);
  graph.output("query", first.query);
  return graph;
}

/**
 * The high-resolution maps as the upscaling wants them: in the order in which it produces its pixels, its biases added.
 * `high_res_0`, `high_res_1` as the encoder gives them to `skip_0` [16s², d/8], `skip_1` [4s², d/4].
 */
export function decoderSkips(config: DecoderConfig, weights: WeightView): Graph {
  const graph = new Graph("mask_decoder_skips");
  const width = config.neck.width;
  const side = config.imageSize / 16;
  const high0 = graph.input("high_res_0", "float32", [1, width / 8, 4 * side, 4 * side]);
  const high1 = graph.input("high_res_1", "float32", [1, width / 4, 2 * side, 2 * side]);
  const bias = (position: number, channels: number) => upscalingBias(graph, position, channels, weights);
  const blocks0 = transpose(reshape(high0, [width / 8, side, 2, 2, side, 2, 2]), [1, 4, 2, 5, 3, 6, 0]);
  graph.output("skip_0", add(reshape(blocks0, [16 * side * side, width / 8]), bias(3, width / 8)));
  const blocks1 = transpose(reshape(high1, [width / 4, side, 2, side, 2]), [1, 3, 2, 4, 0]);
  graph.output("skip_1", add(reshape(blocks1, [4 * side * side, width / 4]), bias(0, width / 4)));
  return graph;
}

/** The tokens that UnSAMv2 adds (section 3): one says which granularity is asked for, one is read as the mask. */
export interface GranularityTokens {
  /** granularity [batch, 1] → [batch, 1, d] */
  prompt(granularity: Value, config: DecoderConfig, weights: WeightView): Value;
  /** Learned token [1, d] that the mask is read from. */
  readonly maskToken: string;
  /** The MLP that turns it into the mask's kernel. */
  readonly maskMlp: string;
}

export interface MaskDecoderOptions {
  /** null: plain SAM 2, four masks. */
  readonly granularity: GranularityTokens | null;
  /** Adds the output tokens that the masks were read from, `mask_tokens` [batch, m, d]: a video's object pointers. */
  readonly maskTokens?: boolean;
  /** Adds what lies between as outputs, for finding where a difference starts. */
  readonly stages?: boolean;
}

/**
 * Prompt encoder and mask decoder in one graph (SAM 2, section 4; UnSAMv2, section 3), for a batch of prompts on one
 * image. Inputs: the outputs of `decoderImageTokens` (first side 1 or the batch) and `decoderSkips`; `point_coords`
 * [batch, points, 2] in pixels of the S frame, `point_labels` int32 [batch, points], with granularity `granularity`
 * [batch, 1]; `prompt_bias` [batch, points (+ 1)]: 0 for a prompt token that counts, −1e9 for one that only fills up
 * (the granularity's token is the last).
 * Outputs: `low_res_logits` [batch, m, 4s, 4s] (m = 1, the granularity mask, or the 4 masks of plain SAM 2),
 * `predicted_iou` [batch, 4], `object_score` [batch, 1] (not where the model has none).
 * Without high-resolution features there are no skips: the upscaling adds its biases alone.
 * `stages` adds `sparse_embeddings`, `tokens_out`, `image_tokens_out` and `upscaled`.
 */
export function maskDecoder(
  config: DecoderConfig,
  weights: WeightView,
  { granularity, maskTokens = false, stages = false }: MaskDecoderOptions,
): Graph {
  const graph = new Graph("mask_decoder");
  const width = config.neck.width;
  const cells = (config.imageSize / 16) ** 2;
  const [images, batch, points] = ["1|batch", "batch", "points"];
  const image = graph.input("image_tokens", "float32", [images, cells, width]);
  const headWidth = width / 16;
  const first = {
    key: graph.input("key", "float32", [images, 8, headWidth, cells]),
    value: graph.input("value", "float32", [images, 8, cells, headWidth]),
    query: graph.input("query", "float32", [images, 8, cells, headWidth]),
  };
  const skips = config.highResFeatures
    ? {
        skip1: graph.input("skip_1", "float32", [4 * cells, width / 4]),
        skip0: graph.input("skip_0", "float32", [16 * cells, width / 8]),
      }
    : {
        skip1: upscalingBias(graph, 0, width / 4, weights),
        skip0: upscalingBias(graph, 3, width / 8, weights),
      };
  const coords = graph.input("point_coords", "float32", [batch, points, 2]);
  const labels = graph.input("point_labels", "int32", [batch, points]);
  const prompts = [pointTokens(coords, labels, config, weights)];
  if (granularity)
    prompts.push(granularity.prompt(graph.input("granularity", "float32", [batch, 1]), config, weights));
  const sparse = prompts.length > 1 ? concat(prompts, 1) : prompts[0];
  const promptBias = graph.input("prompt_bias", "float32", [batch, sparse.shape[1]]);

  const output = outputTokens(config, weights, granularity);
  const count = output.shape[0];
  const tokens = concat([repeatLike(reshape(graph.weight(output), [1, count, width]), coords), sparse], 1);
  const noBias = repeatLike(graph.constant(new Float32Array(count), [1, count]), promptBias);
  const bias = reshape(concat([noBias, promptBias], 1), [batch, 1, 1, tokens.shape[1]]);

  const transformed = twoWayTransformer(tokens, image, first, gridEncoding(config, weights), bias, weights);
  const token = (index: number): Value =>
    reshape(slice(transformed.tokens, 1, index, index + 1), [batch, width]);
  const iouIndex = config.objectScore === "none" ? 0 : 1;
  const iou = mlpModule(token(iouIndex), `${DECODER}.iou_prediction_head`, [width, width, MASKS], weights);
  graph.output("predicted_iou", config.iouSigmoid ? sigmoid(iou) : iou);
  if (config.objectScore !== "none") graph.output("object_score", objectScore(token(0), config, weights));

  const upscaled = upscale(transformed.image, skips, weights);
  const networks = granularity
    ? [{ name: granularity.maskMlp, index: iouIndex + 1 + MASKS }]
    : Array.from({ length: MASKS }, (_, mask) => ({
        name: `${DECODER}.output_hypernetworks_mlps.${mask}`,
        index: iouIndex + 1 + mask,
      }));
  const kernels = networks.map(({ name, index }) =>
    reshape(mlpModule(token(index), name, [width, width, width / 8], weights), [batch, width / 8, 1]),
  );
  const masks = matMul(upscaled, kernels.length > 1 ? concat(kernels, 2) : kernels[0]);
  graph.output("low_res_logits", inRaster(masks, config.imageSize / 16));

  if (maskTokens) {
    const [{ index }] = networks;
    graph.output("mask_tokens", slice(transformed.tokens, 1, index, index + networks.length));
  }
  if (stages) {
    graph.output("sparse_embeddings", sparse);
    graph.output("tokens_out", transformed.tokens);
    graph.output("image_tokens_out", transformed.image);
    graph.output("upscaled", inRaster(upscaled, config.imageSize / 16));
  }
  return graph;
}

function upscalingBias(graph: Graph, position: number, channels: number, weights: WeightView): Value {
  return graph.weight(weights.tensor(`${DECODER}.output_upscaling.${position}.bias`, [channels]));
}

/** Learned tokens the answers are read from: object score (where there is one), IoU, four masks, granularity mask. */
function outputTokens(config: DecoderConfig, weights: WeightView, granularity: GranularityTokens | null) {
  const width = config.neck.width;
  const tokens = [
    weights.tensor(`${DECODER}.iou_token.weight`, [1, width]),
    weights.tensor(`${DECODER}.mask_tokens.weight`, [MASKS, width]),
  ];
  if (config.objectScore !== "none")
    tokens.unshift(weights.tensor(`${DECODER}.obj_score_token.weight`, [1, width]));
  if (granularity) tokens.push(weights.tensor(granularity.maskToken, [1, width]));
  return stacked(`${DECODER}.output_tokens`, tokens);
}

function objectScore(token: Value, config: DecoderConfig, weights: WeightView): Value {
  const name = `${DECODER}.pred_obj_score_head`;
  const width = config.neck.width;
  return config.objectScore === "mlp"
    ? mlpModule(token, name, [width, width, 1], weights)
    : linear(token, name, 1, weights);
}

/**
 * Two transposed convolutions, 2 × 2 with stride 2: each is one linear map per pixel, whose four outputs stay side by
 * side, so that nothing is moved until the masks are narrow. [batch, cells, d] → [batch, 16 cells, d / 8]
 */
function upscale(
  image: Value,
  { skip1, skip0 }: { readonly skip1: Value; readonly skip0: Value },
  weights: WeightView,
): Value {
  const g = image.graph;
  const [batch, cells, width] = [image.shape[0], Number(image.shape[1]), Number(image.shape[2])];
  const name = `${DECODER}.output_upscaling`;
  const doubled = (x: Value, position: number, pixels: number, channels: number): Value => {
    const from = Number(x.shape[2]);
    const weight = weights.tensor(`${name}.${position}.weight`, [from, channels, 2, 2]);
    const matrix = reshaped(permuted(weight, [0, 2, 3, 1]), [from, 4 * channels]);
    return reshape(matMul(x, g.weight(matrix)), [batch, 4 * pixels, channels]);
  };
  const scale = g.weight(weights.tensor(`${name}.1.weight`, [width / 4]));
  const bias = g.weight(weights.tensor(`${name}.1.bias`, [width / 4]));
  const once = add(doubled(image, 0, cells, width / 4), skip1);
  const normed = gelu(layerNormalization(once, scale, bias, CHANNEL_NORM_EPS));
  return gelu(add(doubled(normed, 3, 4 * cells, width / 8), skip0));
}

/** From the upscaling's nested pixel order [batch, cells · 2·2 · 2·2, m] to maps [batch, m, 4s, 4s]. */
function inRaster(pixels: Value, side: number): Value {
  const [batch, , maps] = pixels.shape;
  const nested = reshape(pixels, [batch, side, side, 2, 2, 2, 2, maps]);
  return reshape(transpose(nested, [0, 7, 1, 3, 5, 2, 4, 6]), [batch, maps, 4 * side, 4 * side]);
}
