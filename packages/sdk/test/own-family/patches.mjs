// A family of networks from outside of the packages: one convolution over patches in front of SAM 2's decoder.
import { conv, Graph } from "@unsam/core/graph";
import { PROMPTABLE, PROMPTABLE_MARKS, promptableModel } from "@unsam/core/models";

const SIDE = 128;
const WIDTH = 32;
const PATCH = 16;

export const patches = {
  name: "patches",
  capabilities: { ...PROMPTABLE, options: ["decoder", "encoder"] },
  marks: ["patches.weight", ...PROMPTABLE_MARKS.filter((name) => name.startsWith("sam_"))],
  recognises: (weights) => weights.has("patches.weight"),
  model(weights) {
    const graph = new Graph("patches");
    const pixels = graph.input("pixel_values", "float32", [1, 3, SIDE, SIDE]);
    const kernel = graph.weight(weights.tensor("patches.weight", [WIDTH, 3, PATCH, PATCH]));
    const bias = graph.weight(weights.tensor("patches.bias", [WIDTH]));
    const embedding = conv(pixels, kernel, bias, { stride: [PATCH, PATCH], padding: [0, 0] });
    graph.output("image_embed", embedding);
    const config = {
      name: "patches",
      imageSize: SIDE,
      neck: { width: WIDTH },
      highResFeatures: false,
      temperature: 100,
      iouSigmoid: true,
      objectScore: "mlp",
      stability: { enabled: false, delta: 0.05, threshold: 0.98 },
    };
    return promptableModel(config, weights, {
      family: "patches",
      description: "Patches in front of SAM 2's decoder.",
      granularity: null,
      imageEncoder: graph,
      encoderSource: null,
    });
  },
};

export default patches;
