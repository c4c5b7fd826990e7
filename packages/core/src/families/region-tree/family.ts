import type { NativeBinding } from "@unsam/native-cuda";
import {
  type Engine,
  type EngineInfo,
  loadAddon,
  TREE_CAPABILITIES,
  TREE_REASONS,
  TREE_TRAITS,
  TreeEngine,
  treeKernels,
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
  const fits = ({ regionTreeRecipe }: NativeBinding) => regionTreeRecipe === REGION_TREE_RECIPE;
  const { kernels, reason } = treeKernels(native, fits, threads);
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
    reasons: { ...TREE_REASONS, kernels: reason },
  };
  return new TreeEngine(info, threads, { cues: async () => null, kernels });
}
