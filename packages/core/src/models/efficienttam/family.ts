import type { NetworkFamily } from "../network-model.js";
import { PROMPTABLE, PROMPTABLE_MARKS, promptableModel } from "../sam2/model.js";
import { efficientTamConfig } from "./config.js";
import { imageEncoder } from "./image-encoder.js";

/** EfficientTAM (Xiong et al. 2024): a plain vision transformer in front of SAM 2's decoder, several times lighter. */
export const efficientTam: NetworkFamily = {
  name: "efficienttam",
  capabilities: PROMPTABLE,
  marks: PROMPTABLE_MARKS,
  recognises: (weights) =>
    weights.has("image_encoder.neck.convs.0.conv_1x1.weight") &&
    weights.shape("image_encoder.trunk.pos_embed")?.length === 3,
  model(weights, hints) {
    const config = efficientTamConfig(weights, hints);
    const { embedDim, depth } = config.trunk;
    return promptableModel(config, weights, {
      family: "efficienttam",
      description: `EfficientTAM (no granularity), ${config.name}: ${config.imageSize} × ${config.imageSize} input, ViT ${embedDim} × ${depth}.`,
      granularity: null,
      imageEncoder: imageEncoder(config, weights),
      encoderSource: null,
      video: null,
    });
  },
};
