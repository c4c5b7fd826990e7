import type { EngineImage } from "@unsam/core/engine";
import type { RgbImage } from "@unsam/core/image";
import {
  type FoundMask as CoreMask,
  type Crop,
  type GeneratedMasks,
  type GenerationStep,
  generateMasks,
} from "@unsam/core/whole-image";
import { localAddon } from "../scene-data/addon.js";
import type { SceneEntry } from "../scene-data/scene-data.js";
import type { EverythingOptions, EverythingPlan } from "./everything-options.js";
import type { PartialScene } from "./everything-run.js";
import { SceneHierarchy } from "./scene-hierarchy.js";
import { FoundMask } from "./scene-mask.js";

/** What a run works on. */
export interface EverythingSource {
  readonly image: EngineImage;
  /** The photo; null where an encoding was loaded from disk. */
  readonly photo: RgbImage | null;
  /** Encodes a crop of the photo, of so many pixels, when there is room for it. */
  readonly encode: (
    pixels: number,
    cut: () => RgbImage,
    signal: AbortSignal | undefined,
  ) => Promise<EngineImage>;
}

/** Seeks all masks, then fuses them. Yields what it finds, batch by batch. */
export async function* everythingSteps(
  source: EverythingSource,
  { granularities, options }: EverythingPlan,
  { onProgress, signal }: Pick<EverythingOptions, "onProgress" | "signal">,
): AsyncGenerator<PartialScene, SceneHierarchy, undefined> {
  const { image, photo } = source;
  const steps = maskSteps(source, { granularities, options }, signal);
  let masks = 0;
  let generated: GeneratedMasks;
  try {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) {
        generated = value;
        break;
      }
      const { found, level, prompts, promptsAtMost, coverage } = value;
      masks += found.length;
      const progress = { prompts, promptsAtMost, masks, granularity: granularities[level], coverage };
      onProgress?.(progress);
      yield { masks: found.map((mask) => new FoundMask(entryOf(mask, granularities))), progress };
    }
  } finally {
    await steps.return(undefined as never);
  }
  const entries = generated.masks
    .map((mask) => entryOf(mask, granularities))
    .filter(({ mask }) => mask.area > 0);
  const { width, height } = image;
  return SceneHierarchy.build(entries, { width, height }, { maxIoU: options.maxIoU }, photo, signal);
}

/** The masks alone, as the core's generator gives them. */
export async function* maskSteps(
  { image, photo, encode }: EverythingSource,
  { granularities, options }: EverythingPlan,
  signal: AbortSignal | undefined,
): AsyncGenerator<GenerationStep, GeneratedMasks, undefined> {
  const crop =
    photo &&
    ((part: Crop) => {
      const [x0, y0, x1, y1] = part.box;
      return encode((x1 - x0) * (y1 - y0), () => cropOf(photo, part), signal);
    });
  const addon = await localAddon();
  return yield* generateMasks({ image, crop, addon }, { ...options, levels: granularities }, signal);
}

/** With the granularity that the user knows, instead of the model's granularity. */
export function entryOf(
  { mask, predictedIou, stability, level, granularity, point }: CoreMask,
  granularities: readonly (number | null)[],
): SceneEntry {
  return { mask, score: predictedIou, stability, granularity: granularity ?? granularities[level], point };
}

function cropOf({ width, data }: RgbImage, { box: [x0, y0, x1, y1] }: Crop): RgbImage {
  const cropped = new Uint8Array((x1 - x0) * (y1 - y0) * 3);
  for (let y = y0; y < y1; y++) {
    const row = data.subarray((y * width + x0) * 3, (y * width + x1) * 3);
    cropped.set(row, (y - y0) * (x1 - x0) * 3);
  }
  return { width: x1 - x0, height: y1 - y0, data: cropped };
}
