import type { AddonAt } from "../hierarchy/index.js";
import { computeThread } from "../runtime/index.js";
import type { CollectedBatch, FoundMask, LevelReport } from "./found-mask.js";
import { type Crop, cropBoxes, pointGrid, pointsInLayer } from "./grid.js";
import { ADAPTIVE_SHARE, type WholeImageOptions } from "./options.js";

const collector = computeThread().bind<typeof import("./whole-image.worker.js")>(
  new URL("./whole-image.worker.js", import.meta.url),
);

/** Single clicks of one granularity; each asks for the mask (or masks) around it. */
export interface ClickBatch {
  /** In pixels of the image that is clicked on. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly granularity: number | null;
  readonly options: WholeImageOptions;
}

/** An encoded image whose masks go straight into a collector on the compute thread, never through this one. */
export interface ClickTarget {
  readonly width: number;
  readonly height: number;
  /** Behind a calibration: where on the user's dial a granularity of the model's own lies; absent: they are one. */
  readonly dialOf?: (granularity: number) => number;
  /** `run`: the collector's number. */
  collect(
    run: number,
    clicks: ClickBatch,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<CollectedBatch>;
  /** For models that are a hierarchy of regions: puts in those worth keeping, for all levels at once. */
  collectRegions?(
    run: number,
    options: WholeImageOptions,
    call: { readonly signal?: AbortSignal | undefined },
  ): Promise<CollectedBatch>;
}

export interface GenerationStep {
  /** Masks that passed the thresholds since the last step; suppression and duplicates are still to come. */
  readonly found: readonly FoundMask[];
  /** Index of the level at work. */
  readonly level: number;
  /** Clicks made so far, and at most to be made, in all. */
  readonly prompts: number;
  readonly promptsAtMost: number;
  /** Share of the current crop that is covered at this level, sampled, [0, 1]. */
  readonly coverage: number;
}

export interface GeneratedMasks {
  /**
   * Of one level with prompting "grid": exactly what the official generator returns, in its order. Of several levels:
   * one after the other, without what an earlier one has found already.
   */
  readonly masks: readonly FoundMask[];
  readonly levels: readonly LevelReport[];
}

export interface GenerationSource {
  readonly image: ClickTarget;
  /** Encodes a crop of the photo; null: its pixels are not at hand. Needed where `cropLayers` is above 0. */
  readonly crop: ((crop: Crop) => Promise<ClickTarget & { dispose(): Promise<void> }>) | null;
  /** Finishes masks where there is one; null: TypeScript does, with the same bits. */
  readonly addon: AddonAt | null;
}

/**
 * All masks of an image (Kirillov et al. 2023, appendix B; official generator of SAM 2). Yields after every batch of
 * clicks; returns all masks. To cancel: the signal, or `return()`.
 */
export async function* generateMasks(
  { image, crop: encodeCrop, addon }: GenerationSource,
  options: WholeImageOptions,
  signal?: AbortSignal,
): AsyncGenerator<GenerationStep, GeneratedMasks, undefined> {
  const { levels, prompting, cropLayers, cropOverlap, pointsPerSide, cropPointsDownscale } = options;
  signal?.throwIfAborted();
  const run = await collector("open", [{ width: image.width, height: image.height }, options, addon]);
  try {
    const crops = cropBoxes(image.width, image.height, encodeCrop ? cropLayers : 0, cropOverlap);
    const perSide = (crop: Crop) => pointsInLayer(pointsPerSide, crop.layer, cropPointsDownscale);
    const share = prompting === "adaptive" ? ADAPTIVE_SHARE : 1;
    const atMost = (crop: Crop) =>
      Math.max(levels.length, Math.floor(share * perSide(crop) ** 2 * levels.length));
    const promptsAtMost = prompting === "regions" ? 0 : crops.reduce((sum, crop) => sum + atMost(crop), 0);
    let prompts = 0;
    if (prompting === "regions") {
      await collector("begin", [run, 0, crops[0], pointsPerSide]);
      const { found, coverage } = await image.collectRegions!(run, options, { signal });
      yield { found, level: 0, prompts, promptsAtMost, coverage };
      await collector("end", [run]);
    }
    for (const crop of prompting === "regions" ? [] : crops) {
      const part = crop.layer === 0 ? null : await encodeCrop!(crop);
      const target = part ?? image;
      try {
        for (let level = 0; level < levels.length; level++) {
          await collector("begin", [run, level, crop, perSide(crop)]);
          for await (const batch of clicksOf(run, target, perSide(crop), options)) {
            const clicks = { points: batch, granularity: levels[level], options };
            const { found, coverage } = await target.collect(run, clicks, { signal });
            prompts += batch.length;
            yield { found, level, prompts, promptsAtMost, coverage };
            signal?.throwIfAborted();
          }
          await collector("end", [run]);
        }
      } finally {
        await part?.dispose();
      }
    }
    const { masks, levels: reports } = await collector("finish", [run]);
    return { masks: masks.map((mask) => onDial(mask, image)), levels: reports };
  } finally {
    await collector("close", [run]);
  }
}

/** A region of a hierarchy has a granularity of its own, which is the model's; all others were asked for by the user. */
function onDial(mask: FoundMask, { dialOf }: ClickTarget): FoundMask {
  return mask.granularity === null || !dialOf ? mask : { ...mask, granularity: dialOf(mask.granularity) };
}

/** Batches of clicks for one crop at one level: the grid, or where the collector wants them next. */
async function* clicksOf(
  run: number,
  target: ClickTarget,
  perSide: number,
  { prompting, pointsPerBatch }: WholeImageOptions,
): AsyncGenerator<(readonly [number, number])[]> {
  if (prompting === "adaptive") {
    for (;;) {
      const clicks = await collector("nextClicks", [run]);
      if (clicks.length === 0) return;
      yield clicks;
    }
  }
  const grid = pointGrid(perSide, target.width, target.height);
  for (let start = 0; start < grid.length; start += pointsPerBatch) {
    yield grid.slice(start, start + pointsPerBatch);
  }
}
