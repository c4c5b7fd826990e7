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
import type { Settings, WholeImage } from "./method.js";

/** Thresholds of the fused map at which the image is cut into segments. */
const THRESHOLDS = 20;

/**
 * The official generator's options, but nothing is thrown away that may count as a proposal: no thresholds of score
 * and stability, and only masks whose boxes are nearly the same exclude each other.
 */
const OPTIONS: WholeImageOptions = { ...OFFICIAL_OPTIONS, predictedIou: 0, stability: 0, boxIoU: 0.9 };

/**
 * Those of UnSAMv2's own evaluation; below granularity 0.5 it asks for a higher predicted IoU. Its stability is measured at other
 * logits (±0.7), and its masks begin at a logit of −1.
 */
const PAPER_OPTIONS: WholeImageOptions = {
  ...OFFICIAL_OPTIONS,
  pointsPerSide: 64,
  pointsPerBatch: 128,
  predictedIou: 0.5,
  stability: 0.7,
  refine: true,
};
const PAPER_FINE = { below: 0.5, predictedIou: 0.65 };

/** Granularities whose answers fill up the regions of a hierarchy: fine ones differ most; only equal boxes exclude each other. */
const FILLING_LEVELS = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1];
const FILLING: WholeImageOptions = { ...OPTIONS, levels: FILLING_LEVELS, prompting: "grid", boxIoU: 1 };

/**
 * All masks of an image by core's generator (a grid of 32 × 32 clicks at each level, or the regions of a hierarchy),
 * best score first, and their fused map. `levels`: granularities to ask for; null: none. `settings` of a network.
 */
export async function engineWholeImage(
  image: EngineImage,
  levels: readonly (number | null)[],
  settings: Settings,
): Promise<WholeImage> {
  const { width, height } = image;
  const masks =
    settings === "paper"
      ? await masksLikePaper(image, levels)
      : await masksOf(image, { ...OPTIONS, levels, prompting: image.proposeRegions ? "regions" : "grid" });
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
      for (const found of await masksOf(image, FILLING)) {
        if (proposals.length === count) break;
        const mask = unpacked(found);
        if (!proposals.some((other) => other.area === mask.area && other.equals(mask))) proposals.push(mask);
      }
      return proposals;
    },
  };
}

/** Each level by itself, as many passes: what one finds excludes nothing of another. */
async function masksLikePaper(image: EngineImage, levels: readonly (number | null)[]): Promise<FoundMask[]> {
  const all: FoundMask[] = [];
  for (const level of levels) {
    const fine = level !== null && level < PAPER_FINE.below ? { predictedIou: PAPER_FINE.predictedIou } : {};
    all.push(...(await masksOf(image, { ...PAPER_OPTIONS, ...fine, levels: [level] })));
  }
  return bestFirst(all);
}

/** Masks of the whole image that are not empty, best score first. */
async function masksOf(image: EngineImage, options: WholeImageOptions): Promise<FoundMask[]> {
  const steps = generateMasks({ image, crop: null, addon: null }, options);
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  return bestFirst(step.value.masks.filter(({ mask }) => mask.area > 0));
}

function bestFirst(masks: readonly FoundMask[]): FoundMask[] {
  return [...masks].sort((a, b) => b.predictedIou - a.predictedIou);
}
