import type { NetworkFamily } from "../network-model.js";
import { configFor } from "../sam2/family.js";
import { PROMPTABLE, PROMPTABLE_MARKS, sam2Model } from "../sam2/model.js";
import { GRANULARITY_MARKS, GRANULARITY_TOKENS } from "./granularity.js";

/** UnSAMv2 (2025): SAM 2 whose decoder takes a granularity beside the prompt. */
export const unsamv2: NetworkFamily = {
  name: "unsamv2",
  capabilities: { ...PROMPTABLE, granularity: true },
  marks: PROMPTABLE_MARKS,
  recognises: (weights) => GRANULARITY_MARKS.some((name) => weights.has(name)),
  model(weights, { config }) {
    const own = configFor(weights, config, "unsamv2", GRANULARITY_TOKENS);
    return sam2Model("unsamv2", own, weights, GRANULARITY_TOKENS, config);
  },
};
