import type { EngineImage } from "@unsam/core/engine";
import { buildPackedScene, labelMapAt } from "@unsam/core/fusion";
import { Mask, unpackMask } from "@unsam/core/mask";
import { operationsOf } from "@unsam/core/operations";
import {
  type FoundMask,
  generateMasks,
  OFFICIAL_OPTIONS,
  type WholeImageOptions,
} from "@unsam/core/whole-image";
import type { WholeImage } from "./method.js";

/** Thresholds of the fused map at which the image is cut into segments. */
const THRESHOLDS = 20;

/**
 * The official generator's options, but nothing is thrown away that may count as a proposal: no thresholds of score
 * and stability, and only masks whose boxes are nearly the same exclude each other.
 */
const OPTIONS: WholeImageOptions = { ...OFFICIAL_OPTIONS, predictedIou: 0, stability: 0, boxIoU: 0.9 };

/** Granularities whose answers fill up the regions of a hierarchy: fine ones differ most; only equal boxes exclude each other. */
const FILLING_LEVELS = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1];
const FILLING_BOX_IOU = 1;

/**
 * All masks of an image by core's generator (a grid of 32 × 32 clicks at each level, or the regions of a hierarchy),
 * best score first, and their fused map. `levels`: granularities to ask for; null: none.
 */
export async function engineWholeImage(
  image: EngineImage,
  levels: readonly (number | null)[],
): Promise<WholeImage> {
  const { width, height } = image;
  const masks = await masksOf(image, levels, image.proposeRegions ? "regions" : "grid");
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
    async proposals(count) {
      const unpacked = ({ mask }: FoundMask) => new Mask(width, height, unpackMask(mask));
      const proposals = masks.slice(0, count).map(unpacked);
      if (!image.proposeRegions || proposals.length >= count) return proposals;
      // A hierarchy keeps fewer regions than may be proposed: what clicks give fills them up, so that every method has
      // the same number of tries.
      for (const found of await masksOf(image, FILLING_LEVELS, "grid", FILLING_BOX_IOU)) {
        if (proposals.length === count) break;
        const mask = unpacked(found);
        if (!proposals.some((other) => other.area === mask.area && other.equals(mask))) proposals.push(mask);
      }
      return proposals;
    },
  };
}

/** Masks of the whole image that are not empty, best score first. */
async function masksOf(
  image: EngineImage,
  levels: readonly (number | null)[],
  prompting: WholeImageOptions["prompting"],
  boxIoU = OPTIONS.boxIoU,
): Promise<FoundMask[]> {
  const steps = generateMasks({ image, crop: null, addon: null }, { ...OPTIONS, levels, prompting, boxIoU });
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  return step.value.masks.filter(({ mask }) => mask.area > 0).sort((a, b) => b.predictedIou - a.predictedIou);
}
