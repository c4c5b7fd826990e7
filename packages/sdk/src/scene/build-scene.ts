import { buildPackedScene, type FusionKernels, type PackedScene } from "@unsam/core/hierarchy";
import type { Abortable } from "@unsam/core/runtime";
import type { FusionOptions, SceneData, SceneEntry } from "./scene-data.js";

/** Granularity of the smallest mask of a family; its largest has 1. */
const FINEST = 0.1;

/** Masks → scene. Worker side: it may take seconds for thousands of masks of a large photo. */
export async function buildScene(
  entries: readonly SceneEntry[],
  size: { readonly width: number; readonly height: number },
  { maxIoU = 0.9, containment = 0.8 }: FusionOptions,
  kernels: FusionKernels,
  signal?: Abortable,
): Promise<SceneData> {
  const masks = entries.map(({ mask }) => mask);
  const scores = Float64Array.from(entries, ({ score }) => score);
  const build = (granularities: Float64Array) =>
    buildPackedScene(masks, size, scores, granularities, kernels, { maxIoU, containment, signal });
  let scene = await build(Float64Array.from(entries, ({ granularity }) => granularity ?? 1));
  if (entries.some(({ granularity }) => granularity === null)) {
    // Who lies in whom does not depend on the dial, but the dial on who lies in whom.
    scene = await build(gradedByArea(entries, scene));
  }
  return {
    ...size,
    entries: Array.from(scene.kept, (k, r) => ({ ...entries[k], granularity: scene.granularities[r] })),
    containment,
    forest: scene.forest,
    finest: scene.finest,
    contours: scene.contours,
  };
}

/**
 * For masks of a model without granularity, as UnSAMv2 grades its pseudo-labels: within the family of a root mask
 * 0.1 + 0.9 · (√a − √min) / (√max − √min) of the areas; a lone mask gets 1.
 */
function gradedByArea(entries: readonly SceneEntry[], { kept, forest }: PackedScene): Float64Array {
  const rootOf = new Int32Array(kept.length);
  for (const region of forest.order) {
    const up = forest.parent[region];
    rootOf[region] = up < 0 ? region : rootOf[up];
  }
  const side = Float64Array.from(kept, (k) => Math.sqrt(entries[k].mask.area));
  const least = side.slice();
  rootOf.forEach((root, region) => {
    least[root] = Math.min(least[root], side[region]);
  });
  const granularities = Float64Array.from(entries, ({ granularity }) => granularity ?? 1);
  kept.forEach((k, region) => {
    const root = rootOf[region];
    const span = side[root] - least[root];
    if (entries[k].granularity !== null || span === 0) return;
    granularities[k] = Math.min(1, FINEST + (1 - FINEST) * ((side[region] - least[root]) / span));
  });
  return granularities;
}
