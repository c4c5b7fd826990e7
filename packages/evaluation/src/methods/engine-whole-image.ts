import type { EngineImage } from "@unsam/core/engine";
import { buildPackedScene, labelMapAt } from "@unsam/core/hierarchy";
import { Mask, unpackMask } from "@unsam/core/mask";
import { operationsOf } from "@unsam/core/operations";
import { generateMasks, OFFICIAL_OPTIONS, type WholeImageOptions } from "@unsam/core/whole-image";
import type { WholeImage } from "./method.js";

/** Thresholds of the fused map at which the image is cut into segments. */
const THRESHOLDS = 20;

/**
 * The official generator's options, but nothing is thrown away that may count as a proposal: no thresholds of score
 * and stability, and only masks whose boxes are nearly the same exclude each other.
 */
const OPTIONS: WholeImageOptions = { ...OFFICIAL_OPTIONS, predictedIou: 0, stability: 0, boxIoU: 0.9 };

/**
 * All masks of an image by core's generator (a grid of 32 × 32 clicks at each level, or the regions of a hierarchy),
 * best score first, and their fused map. `levels`: granularities to ask for; null: none.
 */
export async function engineWholeImage(
  image: EngineImage,
  levels: readonly (number | null)[],
): Promise<WholeImage> {
  const { width, height } = image;
  const prompting = image.proposeRegions ? "regions" : "grid";
  const steps = generateMasks({ image, crop: null, addon: null }, { ...OPTIONS, levels, prompting });
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  const masks = step.value.masks
    .filter(({ mask }) => mask.area > 0)
    .sort((a, b) => b.predictedIou - a.predictedIou);
  const scene = await buildPackedScene(
    masks.map(({ mask }) => mask),
    { width, height },
    Float64Array.from(masks, ({ predictedIou }) => predictedIou),
    Float64Array.from(masks, ({ granularity, level }) => granularity ?? levels[level] ?? 1),
    operationsOf(null),
  );
  return {
    segmentations: THRESHOLDS,
    labels: (k) => labelMapAt(scene.finest, scene.forest, (k + 1) / THRESHOLDS),
    proposals: (count) => masks.slice(0, count).map(({ mask }) => new Mask(width, height, unpackMask(mask))),
  };
}
