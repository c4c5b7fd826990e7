import type { Model } from "../models/index.js";

/** One sentence on a model, for people. */
export function describeModel({ config, granularity }: Model): string {
  const { imageSize, trunk } = config;
  const kind = granularity ? "UnSAMv2 (SAM 2 with granularity)" : "plain SAM 2 (no granularity)";
  return `${kind}, ${config.name}: ${imageSize} × ${imageSize} input, Hiera ${trunk.embedDim} × [${trunk.stages.join(", ")}].`;
}
