import { Graph } from "../../graph/index.js";
import type { WeightView } from "../layers/weight-view.js";
import type { ModelConfig } from "./config.js";
import { fpnNeck } from "./fpn-neck.js";
import { hiera } from "./hiera.js";

/**
 * The image encoder (SAM 2, section 4): `pixel_values` [1, 3, S, S], normalised, to `image_embed` [1, d, s, s],
 * `high_res_0` [1, d/8, 4s, 4s] and `high_res_1` [1, d/4, 2s, 2s], s = S / 16.
 * `stages` adds what lies between as outputs, for finding where a difference starts: `patch_embed` [(S/4)², c] before
 * the position embedding, and `trunk_stage_0` … `trunk_stage_3` as tokens [side², c].
 */
export function imageEncoder(
  config: ModelConfig,
  weights: WeightView,
  { stages = false }: { readonly stages?: boolean } = {},
): Graph {
  const graph = new Graph("image_encoder");
  const side = config.imageSize;
  const pixels = graph.input("pixel_values", "float32", [1, 3, side, side]);
  const trunk = hiera(pixels, config, weights);
  const neck = fpnNeck(trunk.levels, config, weights);
  graph.output("image_embed", neck.imageEmbed);
  graph.output("high_res_0", neck.highRes0);
  graph.output("high_res_1", neck.highRes1);
  if (stages) {
    graph.output("patch_embed", trunk.patches.tokens);
    trunk.levels.forEach((level, index) => {
      graph.output(`trunk_stage_${index}`, level.tokens);
    });
  }
  return graph;
}
