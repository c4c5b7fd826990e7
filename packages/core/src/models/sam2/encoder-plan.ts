import type { Tensor } from "../../tensor.js";
import { positionEmbedding } from "../layers/position-embedding.js";
import type { WeightView } from "../layers/weight-view.js";
import type { EncoderSource } from "../network-model.js";
import { type ModelConfig, planBlocks } from "./config.js";

const PARTS = ["image_encoder.", "sam_mask_decoder.conv_s", "no_mem_embed"];
const TRUNK = "image_encoder.trunk";

/**
 * The image encoder for kernels of our own, beside its graph (image-encoder.ts): sizes and tensors, LoRA folded in. Asks
 * `weights` for nothing that the graph does not ask for.
 */
export function encoderSource(config: ModelConfig, weights: WeightView): EncoderSource {
  const { trunk, neck } = config;
  const position = positionEmbedding(
    weights.tensor(`${TRUNK}.pos_embed`, [1, trunk.embedDim, ...trunk.backgroundSize]),
    weights.tensor(`${TRUNK}.pos_embed_window`, [1, trunk.embedDim, trunk.windows[0], trunk.windows[0]]),
    config.imageSize / 4,
  );
  const names = () =>
    [...weights.required.keys()].filter(
      (name) => PARTS.some((part) => name.startsWith(part)) && !name.startsWith(`${TRUNK}.pos_embed`),
    );
  return {
    plan: {
      imageSize: config.imageSize,
      embedDim: trunk.embedDim,
      patchKernel: trunk.patchKernel,
      patchPadding: trunk.patchPadding,
      normEps: trunk.normEps,
      blocks: planBlocks(config).map(({ width, heads, hidden, window, pools }) => ({
        width,
        heads,
        hidden,
        window,
        pools,
      })),
      neck: {
        width: neck.width,
        topDownLevels: neck.topDownLevels,
        average: neck.fuse === "avg",
        addNoMemory: config.addNoMemoryEmbedding,
      },
    },
    names,
    async read(name): Promise<Tensor> {
      if (name !== position.name) return weights.read(name);
      return { data: await position.load(), shape: position.shape };
    },
  };
}
