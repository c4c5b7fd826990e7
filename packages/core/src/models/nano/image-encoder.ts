import { add, conv, expand, Graph, relu, reshape, sigmoid, type Value } from "../../graph/index.js";
import type { WeightView } from "../layers/weight-view.js";

/** Sides of the encoder's input are multiples of this many pixels. */
export const NANO_STRIDE = 32;

/** Channels of the input: L / 50 − 1, a / 40, b / 40, and L standardised over the image. */
export const NANO_INPUT_CHANNELS = 4;

const STAGES = 4;

/** The tensor every nano encoder has and no SAM 2 checkpoint does. */
export const NANO_MARK = "boundary.weight";

/**
 * The image encoder of the nano model (training/unsam_training/modules/nano_encoder.py, batch normalisation folded):
 * `pixels` [1, 4, height, width], sides multiples of NANO_STRIDE, to
 * `border` [1, 2, height / 2, width / 2]: the probability of a border, and its height in the part–whole tree;
 * `metric` [1, m, height / 2, width / 2]: distances between pixels are twice the height of their smallest common node.
 * With `prompted` also what a SAM 2 mask decoder takes: `image_embed` [1, 256, h / 16, w / 16], `high_res_1` [1, 64, h / 8,
 * w / 8], `high_res_0` [1, 32, h / 4, w / 4]. Widths and depths are those of the tensors.
 */
export function nanoEncoder(
  weights: WeightView,
  { width, height, prompted = false }: { width: number; height: number; prompted?: boolean },
): Graph {
  const graph = new Graph("nano_encoder");
  const layer = layers(weights);
  const pixels = graph.input("pixels", "float32", [1, NANO_INPUT_CHANNELS, height, width]);

  const levels = [relu(layer(relu(layer(pixels, "stem.0", 5, 2)), "stem.1", 3))];
  for (let k = 0; k < STAGES; k++) {
    let x = relu(layer(levels[k], `stages.${k}.0`, 3, 2));
    for (let block = 1; weights.has(`stages.${k}.${block}.first.weight`); block++) {
      const inner = relu(layer(x, `stages.${k}.${block}.first`, 3));
      x = relu(add(x, layer(inner, `stages.${k}.${block}.second`, 3)));
    }
    levels.push(x);
  }
  const pyramid: Value[] = [];
  let below = layer(levels[STAGES], "top", 1);
  for (let k = STAGES - 1; k >= 0; k--) {
    if (k < STAGES - 1) below = layer(pyramid[k + 1], `reduce.${k}`, 1);
    const merged = relu(add(layer(levels[k], `lateral.${k}`, 1), doubled(below)));
    pyramid[k] = relu(layer(merged, `smooth.${k}`, 3));
  }
  graph.output("border", sigmoid(layer(pyramid[0], "boundary", 1)));
  graph.output("metric", add(layer(pyramid[0], "metric", 1), layer(pixels, "colour", 2, 2)));
  if (prompted) {
    graph.output("image_embed", layer(pyramid[3], "image_embed", 1));
    graph.output("high_res_1", layer(pyramid[2], "high_res_1", 1));
    graph.output("high_res_0", layer(pyramid[1], "high_res_0", 1));
  }
  return graph;
}

/** Convolutions by name; their number of outputs is that of the tensor in the file (1 where there is none). */
function layers(weights: WeightView) {
  return (x: Value, name: string, kernel: number, stride = 1): Value => {
    const outputs = weights.shape(`${name}.weight`)?.[0] ?? 1;
    const weight = weights.tensor(`${name}.weight`, [outputs, Number(x.shape[1]), kernel, kernel]);
    const bias = weights.tensor(`${name}.bias`, [outputs]);
    // An even kernel (2 × 2 with stride 2) covers its cells exactly; an odd one is centred.
    const padding = kernel % 2 === 1 ? (kernel - 1) / 2 : 0;
    return conv(x, x.graph.weight(weight), x.graph.weight(bias), {
      stride: [stride, stride],
      padding: [padding, padding],
    });
  };
}

/** Nearest neighbour at twice the side. */
function doubled(x: Value): Value {
  const [batch, channels, height, width] = x.shape.map(Number);
  const cells = reshape(x, [batch, channels, height, 1, width, 1]);
  return reshape(expand(cells, [batch, channels, height, 2, width, 2]), [
    batch,
    channels,
    2 * height,
    2 * width,
  ]);
}
