import type { RgbImage } from "@unsam/core/image";
import type { Mask } from "@unsam/core/mask";
import type { PromptPoint } from "@unsam/core/prompt";
import type { Tensor } from "@unsam/core/tensor";

/** What a method says about itself. */
export interface MethodInfo {
  readonly name: string;
  /** One plain sentence. */
  readonly description: string;
  /** Granularities, ascending, fine to coarse; empty for a method without granularity. */
  readonly levels: readonly number[];
  /** Whether the method can choose an answer itself (`"auto"`). */
  readonly chooses: boolean;
  /** Binds figures to weights: the fingerprint of a model (of a checkpoint its SHA-256); null for a method without weights. */
  readonly fingerprint: string | null;
}

/**
 * Whose settings a network is asked with: ours, or those of UnSAMv2's own evaluation (masks from logits above −1; whole images from a
 * grid of 64 × 64 clicks at each level, with its thresholds).
 */
export type Settings = "own" | "paper";

/** One answer to clicks. */
export interface Answer {
  /** At the size of the image. */
  readonly mask: Mask;
  /** Its granularity; null for a method without granularity. */
  readonly granularity: number | null;
  /** Low-resolution logits to go on from with a further click, where the method can. */
  readonly logits: Tensor | null;
}

/** All that a method offers for one click. */
export interface Offer {
  /** One answer per level; without granularity, the masks that the method leaves the choice of (one or more). */
  readonly ladder: readonly Answer[];
  /** The method's own choice; null where it has none. */
  readonly auto: Answer | null;
}

/** A segmentation method under test. The engines of core and the baselines all stand behind this interface. */
export interface Method {
  readonly info: MethodInfo;
  /** Encodes an image once. Throws what the method throws for images that it cannot take. */
  prepare(image: RgbImage): Promise<MethodImage>;
  dispose(): Promise<void>;
}

export interface MethodImage {
  /** The answers to clicks (pixels; one or more) at every level, and the method's own choice. */
  offer(clicks: readonly PromptPoint[]): Promise<Offer>;
  /**
   * One answer, at a granularity or at the method's own choice (`"auto"`, the only one without granularity). `earlier`: its
   * answer to all clicks but the last.
   */
  answer(
    clicks: readonly PromptPoint[],
    granularity: number | "auto",
    earlier: Answer | null,
  ): Promise<Answer>;
  /** Regions of the whole image, where the method makes them; else null. */
  wholeImage(): Promise<WholeImage | null>;
  dispose(): Promise<void>;
}

/** What a method makes of an image without being asked for anything in particular. */
export interface WholeImage {
  /** Number of segmentations, from fine to coarse: thresholds of a fused map, or scales. */
  readonly segmentations: number;
  /** Region of each pixel in segmentation k, any numbers, [height, width]. */
  labels(k: number): Int32Array;
  /** Masks that may be objects, the best first, at most `count`. */
  proposals(count: number): Promise<Mask[]>;
}

/** A click into the foreground. */
export function foreground(x: number, y: number): PromptPoint {
  return { x, y, label: 1 };
}
