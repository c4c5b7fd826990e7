import type { MaskForest, MergedMask } from "@unsam/core/tiles";

/** What is known of an image that was segmented in tiles, as it crosses threads. */
export interface TiledData {
  readonly width: number;
  readonly height: number;
  /** Share of a mask that its parent holds at least. */
  readonly containment: number;
  /** Best score first. */
  readonly entries: readonly MergedMask[];
  readonly forest: MaskForest;
}
