import { add, type Value } from "../../graph/index.js";
import { reshaped } from "../layers/derived-tensor.js";
import type { WeightView } from "../layers/weight-view.js";

/** For a single image SAM 2 adds a learned vector where a video's memory would be (SAM 2, section 4). tokens [n, d] */
export function addNoMemory(tokens: Value, weights: WeightView): Value {
  const width = Number(tokens.shape[1]);
  const embedding = weights.tensor("no_mem_embed", [1, 1, width]);
  return add(tokens, tokens.graph.weight(reshaped(embedding, [width])));
}
