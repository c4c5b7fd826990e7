import { buildPackedScene, type FusionSteps, type PackedScene } from "@unsam/core/fusion";
import type { Abortable } from "@unsam/core/runtime";
import { familyGranularities } from "@unsam/core/scales";
import type { FusionOptions, SceneData, SceneEntry } from "./scene-data.js";

/** Masks → scene. Worker side: it may take seconds for thousands of masks of a large photo. */
export async function buildScene(
  entries: readonly SceneEntry[],
  size: { readonly width: number; readonly height: number },
  { maxIoU = 0.9, containment = 0.8 }: FusionOptions,
  steps: FusionSteps,
  signal?: Abortable,
): Promise<SceneData> {
  const masks = entries.map(({ mask }) => mask);
  const scores = Float64Array.from(entries, ({ score }) => score);
  const build = (granularities: Float64Array) =>
    buildPackedScene(masks, size, scores, granularities, steps, { maxIoU, containment, signal });
  let scene = await build(Float64Array.from(entries, ({ granularity }) => granularity ?? 1));
  if (entries.some(({ granularity }) => granularity === null)) {
    // Which mask is part of which does not depend on granularities, so the forest comes first and the granularities after it.
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

/** For masks of a model without granularity, as UnSAMv2 grades its pseudo-labels: by area within the family of a root mask. */
function gradedByArea(entries: readonly SceneEntry[], { kept, forest }: PackedScene): Float64Array {
  const rootOf = new Int32Array(kept.length);
  /** Regions by their root, which comes first: the order has parents before children. */
  const families = new Map<number, number[]>();
  for (const region of forest.order) {
    const up = forest.parent[region];
    const root = up < 0 ? region : rootOf[up];
    rootOf[region] = root;
    if (root === region) families.set(root, [region]);
    else families.get(root)?.push(region);
  }
  const granularities = Float64Array.from(entries, ({ granularity }) => granularity ?? 1);
  const areaOf = (region: number) => entries[kept[region]].mask.area;
  for (const family of families.values()) {
    const graded = familyGranularities(family.map(areaOf));
    family.forEach((region, i) => {
      if (entries[kept[region]].granularity === null) granularities[kept[region]] = Math.min(1, graded[i]);
    });
  }
  return granularities;
}
