// The mask decoder as a plain export of the official modules gives it: one ONNX graph from image features and prompts to
// logits, nothing prepared per image. It is what the decoders of this package are compared with.
import {
  add,
  concat,
  div,
  encodeModel,
  Graph,
  gelu,
  matMul,
  mul,
  repeatLike,
  reshape,
  sigmoid,
  slice,
  sub,
  transpose,
} from "@unsam/core/graph";
import {
  foldLora,
  granularityToken,
  gridEncoding,
  imageProjections,
  mlpModule,
  noMaskEmbedding,
  pointTokens,
  twoWayTransformer,
  WeightView,
} from "@unsam/core/models";
import { Tensor } from "../../core/dist/runtime/onnx-runtime.js";

const DECODER = "sam_mask_decoder";
const MASKS = 4;
/** Prompts a session run: the official generator's batch. */
const BATCH = 64;

/**
 * Inputs `image_embed` [1, d, s, s], `high_res_0` [1, d/8, 4s, 4s], `high_res_1` [1, d/4, 2s, 2s], `point_coords`
 * [batch, points, 2], `point_labels` int32 [batch, points], `granularity` [batch, 1]; outputs `low_res_logits`
 * [batch, 5, 4s, 4s] (all mask tokens, as the official module computes them), `predicted_iou`, `object_score`.
 * For UnSAMv2 weights; LoRA is folded in.
 */
export async function plainDecoderModel(config, source) {
  const weights = new WeightView(foldLora(source));
  const graph = new Graph("plain_mask_decoder");
  const width = config.neck.width;
  const side = config.imageSize / 16;
  const weight = (name, shape) => graph.weight(weights.tensor(`${DECODER}.${name}`, shape));

  const embed = graph.input("image_embed", "float32", [1, width, side, side]);
  const high0 = graph.input("high_res_0", "float32", [1, width / 8, 4 * side, 4 * side]);
  const high1 = graph.input("high_res_1", "float32", [1, width / 4, 2 * side, 2 * side]);
  const coords = graph.input("point_coords", "float32", ["batch", "points", 2]);
  const labels = graph.input("point_labels", "int32", ["batch", "points"]);
  const granularity = graph.input("granularity", "float32", ["batch", 1]);

  const output = concat(
    [
      weight("obj_score_token.weight", [1, width]),
      weight("iou_token.weight", [1, width]),
      weight("mask_tokens.weight", [MASKS, width]),
      weight("gra_token.weight", [1, width]),
    ],
    0,
  );
  const prompts = [
    pointTokens(coords, labels, config, weights),
    granularityToken(granularity, config, weights),
  ];
  const tokens = concat([repeatLike(reshape(output, [1, 3 + MASKS, width]), coords), ...prompts], 1);
  const dense = reshape(graph.weight(noMaskEmbedding(config, weights)), [1, width, 1, 1]);
  const planes = reshape(add(repeatLike(embed, coords), dense), ["batch", width, side * side]);
  const image = transpose(planes, [0, 2, 1]);
  const position = gridEncoding(config, weights);
  const first = imageProjections(image, position, 0, weights);
  const bias = graph.constant(Float32Array.of(0), [1, 1, 1, 1]);
  const transformed = twoWayTransformer(tokens, image, first, position, bias, weights);

  const token = (index) => reshape(slice(transformed.tokens, 1, index, index + 1), ["batch", width]);
  graph.output(
    "object_score",
    mlpModule(token(0), `${DECODER}.pred_obj_score_head`, [width, width, 1], weights),
  );
  const iou = mlpModule(token(1), `${DECODER}.iou_prediction_head`, [width, width, MASKS], weights);
  graph.output("predicted_iou", sigmoid(iou));

  const map = reshape(transpose(transformed.image, [0, 2, 1]), ["batch", width, side, side]);
  const doubled = (x, position, channels) => {
    const [batch, from, height, wide] = x.shape;
    const name = `output_upscaling.${position}`;
    return graph.node(
      "ConvTranspose",
      [x, weight(`${name}.weight`, [from, channels, 2, 2]), weight(`${name}.bias`, [channels])],
      [{ type: "float32", shape: [batch, channels, 2 * height, 2 * wide] }],
      { strides: { kind: "ints", value: [2, 2] }, kernel_shape: { kind: "ints", value: [2, 2] } },
    )[0];
  };
  const once = channelNorm(
    add(doubled(map, 0, width / 4), high1),
    weight("output_upscaling.1.weight", [width / 4]),
    weight("output_upscaling.1.bias", [width / 4]),
  );
  const upscaled = gelu(add(doubled(gelu(once), 3, width / 8), high0));
  // Random checkpoints lack the networks of masks nobody asks for: the granularity mask's stands in, at the same cost.
  const granular = "gra_output_token_mlp";
  const networks = Array.from({ length: MASKS }, (_, i) => {
    const name = `output_hypernetworks_mlps.${i}`;
    return weights.has(`${DECODER}.${name}.layers.0.weight`) ? name : granular;
  });
  const kernels = [...networks, granular].map((name, i) =>
    reshape(mlpModule(token(2 + i), `${DECODER}.${name}`, [width, width, width / 8], weights), [
      "batch",
      1,
      width / 8,
    ]),
  );
  const masks = matMul(concat(kernels, 1), reshape(upscaled, ["batch", width / 8, 16 * side * side]));
  graph.output("low_res_logits", reshape(masks, ["batch", MASKS + 1, 4 * side, 4 * side]));
  return encodeModel(graph);
}

/** The official LayerNorm2d: over the channels of [n, c, h, w]. */
function channelNorm(x, scale, bias) {
  const g = x.graph;
  const mean = (value) => {
    const [n, , h, w] = value.shape;
    return g.node("ReduceMean", [value, g.integers([1])], [{ type: "float32", shape: [n, 1, h, w] }])[0];
  };
  const centred = sub(x, mean(x));
  const variance = mean(mul(centred, centred));
  const deviation = g.node(
    "Sqrt",
    [add(variance, g.scalar(1e-6))],
    [{ type: "float32", shape: variance.shape }],
  )[0];
  const channels = x.shape[1];
  return add(mul(div(centred, deviation), reshape(scale, [channels, 1, 1])), reshape(bias, [channels, 1, 1]));
}

/** The plain graph with an image's features, decoding up to `BATCH` prompts a run. */
export class PlainDecoder {
  #session;
  #image;

  constructor(session, image) {
    this.#session = session;
    this.#image = image;
  }

  static async open(config, source, { image_embed, high_res_0, high_res_1 }, openSession) {
    const tensor = ({ data, shape }) => new Tensor("float32", data, [1, ...shape]);
    const session = await openSession(await plainDecoderModel(config, source));
    return new PlainDecoder(session, {
      image_embed: tensor(image_embed),
      high_res_0: tensor(high_res_0),
      high_res_1: tensor(high_res_1),
    });
  }

  /** Prompts with equally many points and a granularity; gives the granularity token's mask. */
  async decode(prompts) {
    const masks = [];
    for (let start = 0; start < prompts.length; start += BATCH) {
      const batch = prompts.slice(start, start + BATCH);
      const points = batch[0].labels.length;
      const flat = (type, name, width) => {
        const data = new type(batch.length * width);
        batch.forEach((prompt, row) => {
          data.set(prompt[name], row * width);
        });
        return data;
      };
      const granularity = Float32Array.from(batch, (prompt) => prompt.granularity);
      const { low_res_logits } = await this.#session.run({
        ...this.#image,
        point_coords: new Tensor("float32", flat(Float32Array, "coords", 2 * points), [
          batch.length,
          points,
          2,
        ]),
        point_labels: new Tensor("int32", flat(Int32Array, "labels", points), [batch.length, points]),
        granularity: new Tensor("float32", granularity, [batch.length, 1]),
      });
      const area = low_res_logits.data.length / (batch.length * (MASKS + 1));
      batch.forEach((_, row) => {
        const at = (row * (MASKS + 1) + MASKS) * area;
        masks.push({ lowRes: low_res_logits.data.subarray(at, at + area) });
      });
    }
    return masks;
  }
}
