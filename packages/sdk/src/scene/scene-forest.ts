import { GRANULARITY_STEPS, type RegionForest } from "@unsam/core/fusion";
import type { SceneEntry } from "../scene-data/scene-data.js";
import { SceneMask } from "./scene-mask.js";

/** The masks of a scene with their places in its forest, in the order of `entries`. */
export function masksOfForest(
  entries: readonly (SceneEntry & { readonly granularity: number })[],
  forest: Pick<RegionForest, "parent" | "level" | "order">,
): SceneMask[] {
  const hasChild = new Uint8Array(entries.length);
  for (const parent of forest.parent) if (parent >= 0) hasChild[parent] = 1;
  const granularityOf = (region: number) => forest.level[region] / GRANULARITY_STEPS;
  const masks = new Array<SceneMask>(entries.length);
  // Parents come first in painting order.
  for (const region of forest.order) {
    const up = forest.parent[region];
    const from = hasChild[region] ? granularityOf(region) : 0;
    const until = up < 0 ? Number.POSITIVE_INFINITY : granularityOf(up);
    masks[region] = new SceneMask(entries[region], region, up < 0 ? null : masks[up], [from, until]);
  }
  for (const { children } of masks) (children as SceneMask[]).sort((a, b) => a.id - b.id);
  return masks;
}
