import type { PackedMask } from "../mask/index.js";
import type { CropBox } from "./grid.js";

/** One mask of a whole image. Plain data. */
export interface FoundMask {
  /** At the size of the image. */
  readonly mask: PackedMask;
  readonly predictedIou: number;
  /** Stability score at logits ±1. */
  readonly stability: number;
  /** Index into the options' levels: where it was found; where at several, the finest. */
  readonly level: number;
  /** For a region of a hierarchy its own granularity, [0, 1]; else null. */
  readonly granularity: number | null;
  /** The click that found it, in pixels; for a region of a hierarchy a pixel of it. */
  readonly point: readonly [x: number, y: number];
  /** The crop it was found in: x0, y0, x1, y1 in pixels, the last two exclusive. */
  readonly cropBox: CropBox;
}

/** What a model claims of a mask before it is seen at image size. */
export interface Claim {
  readonly predictedIou: number;
  /** In pixels of the crop. */
  readonly point: readonly [x: number, y: number];
}

/** What came of one batch of clicks. */
export interface CollectedBatch {
  /** Masks that passed the thresholds; box suppression and duplicates are still to come. */
  readonly found: readonly FoundMask[];
  /** Share of the current crop that is covered at the current level, [0, 1]. */
  readonly coverage: number;
}

/** The masks of one level, in the order of the official generator. */
export interface LevelReport {
  readonly level: number;
  readonly prompts: number;
  /** Share of the image in any mask of this level, sampled. */
  readonly coverage: number;
}
