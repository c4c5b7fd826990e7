import { efficientTam } from "./efficienttam/family.js";
import type { NetworkFamily } from "./network-model.js";
import { sam2 } from "./sam2/family.js";
import { unsamv2 } from "./unsamv2/family.js";

/** The families whose checkpoints are recognised, the most particular first. */
export const NETWORK_FAMILIES: readonly NetworkFamily[] = [efficientTam, unsamv2, sam2];

// Threads import the families by their module (see `families/network/network-family.ts`).
export default NETWORK_FAMILIES;
