import type { JoinedVideoNetwork } from "#core/video/index.js";
import { randomValues } from "../support/random.js";

/** A frame of noise, for what does not depend on what is seen. */
export const noiseFrame = (network: JoinedVideoNetwork) =>
  network.frame({
    image_embed: { data: randomValues(256 * 256, 1), shape: [256, 16, 16] },
    high_res_0: { data: randomValues(32 * 4096, 2), shape: [32, 64, 64] },
    high_res_1: { data: randomValues(64 * 1024, 3), shape: [64, 32, 32] },
  });
