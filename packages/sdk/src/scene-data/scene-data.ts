import type { FusedMap, RegionForest } from "@unsam/core/fusion";
import type { PackedMask } from "@unsam/core/mask";

/** One mask with what is known of it, before it has a place in a scene. Plain data. */
export interface SceneEntry {
  readonly mask: PackedMask;
  /** Predicted IoU, or what stands for it. */
  readonly score: number;
  readonly stability: number;
  /** Granularity, [0, 1]; null: the model knows none, and the scene finds one from areas. */
  readonly granularity: number | null;
  /** The click that found it, in pixels; null where there was none. */
  readonly point: readonly [x: number, y: number] | null;
}

/** A scene as it crosses threads. Entry r of `entries` is region r of the forest. */
export interface SceneData {
  readonly width: number;
  readonly height: number;
  /** Best score first. */
  readonly entries: readonly (SceneEntry & { readonly granularity: number })[];
  /** Share of a mask that its parent holds at least. */
  readonly containment: number;
  readonly forest: RegionForest;
  /** Finest region of each pixel + 1, 0 where no mask is, [height, width]. */
  readonly finest: Int32Array;
  readonly contours: FusedMap;
}

/** What is written of a scene; the rest follows from it. */
export type SavedScene = Pick<SceneData, "width" | "height" | "entries" | "containment" | "forest">;

export interface FusionOptions {
  /** Of two masks with a higher intersection over union, the one with the lower score goes (default 0.9). */
  readonly maxIoU?: number | undefined;
  /** Share of a mask that its parent must hold (default 0.8). */
  readonly containment?: number | undefined;
}
