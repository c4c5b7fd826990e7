import { availableParallelism } from "node:os";
import {
  type Engine,
  type EngineInfo,
  loadAddon,
  TREE_CAPABILITIES,
  TREE_REASONS,
  TREE_TRAITS,
  TreeEngine,
} from "../../engine/index.js";
import { REGION_TREE_RECIPE } from "../../region-tree/index.js";
import type { ModelFamily, OpenOptions } from "../model-family.js";

/** The built-in model: no weights, no ONNX Runtime; the addon where there is one, with the same answers. */
export const regionTree = {
  name: "region-tree",
  capabilities: TREE_CAPABILITIES,
  recognise: ({ name }) => name === "region-tree",
  open: (_asked, options) => openRegionTree(options),
} as const satisfies ModelFamily;

async function openRegionTree({ threads, cacheDir }: OpenOptions): Promise<Engine> {
  const native = await loadAddon(cacheDir);
  const fits = native.binding?.regionTreeRecipe === REGION_TREE_RECIPE;
  const kernels =
    native.binding && fits ? { addon: native.path, threads: threads ?? availableParallelism() } : null;
  const why =
    native.binding === null
      ? native.reason
      : fits
        ? "The addon is there."
        : "The addon grows trees of another version; build it anew (npm run build:native).";
  const info: EngineInfo = {
    ...TREE_TRAITS,
    name: "region-tree",
    family: "region-tree",
    description:
      "A hierarchy of regions found by colour, texture and contours, without learned weights; official SAM 2.1 or UnSAMv2 weights give better masks.",
    capabilities: TREE_CAPABILITIES,
    // Nothing is learned, so the recipe's version is what binds a saved tree to its engine.
    fingerprint: `region-tree-${REGION_TREE_RECIPE}`,
    kernels: kernels ? "native" : "typescript",
    reasons: { ...TREE_REASONS, kernels: why },
  };
  return new TreeEngine(info, threads, { cues: async () => null, kernels });
}
